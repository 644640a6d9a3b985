using Dr.Contracts.Errors;
using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;

namespace Dr.Edge.Tests.Archives;

/// <summary>What one damaged place costs, for each kind of place.</summary>
public sealed class ArchiveDamageTests
{
    private static readonly ArchiveSecret KeyFile = new(ArchiveKeyKind.KeyFile, new byte[32]);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_flipped_bit_anywhere_is_found(bool encrypted)
    {
        var (archive, content, secret) = ArchiveProperties.Write([true, false, true, true, true], 17_000, compressed: true, encrypted ? KeyFile : null, seed: 5);
        archive.Parts.Count.ShouldBeGreaterThan(1);
        for (var part = 0; part < archive.Parts.Count; part++)
        {
            var bytes = archive.Parts[part];
            for (var at = 0; at < bytes.Length; at += IsQuiet(bytes, at) ? 61 : 3)
            {
                bytes[at] ^= 0x10;
                var set = MemoryArchive.Set([.. archive.Parts.Select((b, i) => (i + 1, b))]);
                var findings = ArchiveProperties.Read(set, content, secret);
                findings.ShouldNotBeEmpty($"part {part + 1}, byte {at}");
                (at >= PartHeader.Copies * PartHeader.SizeBytes || findings.All(finding => finding.Lost is null)).ShouldBeTrue("one copy of a header is enough");
                bytes[at] ^= 0x10;
            }
        }
    }

    [Fact]
    public void A_damaged_record_costs_its_own_content_and_no_more()
    {
        var blocks = Enumerable.Range(0, 12).Select(i => i % 2 == 0).ToArray();
        var (archive, content, secret) = ArchiveProperties.Write(blocks, 1 << 20, compressed: false, KeyFile, seed: 2);
        var bytes = archive.Parts.ShouldHaveSingleItem();

        // The payload of the third record: blocks 0, 2, 4.
        var payload = (PartHeader.Copies * PartHeader.SizeBytes) + (2 * (RecordHeader.SizeBytes + 4096)) + RecordHeader.SizeBytes;
        bytes[payload + 100] ^= 1;
        var finding = ArchiveProperties.Read(MemoryArchive.Set([(1, bytes)]), content, secret).ShouldHaveSingleItem();
        finding.Offset.ShouldBe(payload - RecordHeader.SizeBytes);
        finding.Length.ShouldBe(RecordHeader.SizeBytes + 4096);
        finding.Lost.ShouldBe(new LostRange(4 * 4096, 4096));

        // Its header: nobody can tell any more where the holes beside it were.
        bytes[payload + 100] ^= 1;
        bytes[payload - 20] ^= 1;
        ArchiveProperties.Read(MemoryArchive.Set([(1, bytes)]), content, secret).ShouldHaveSingleItem().Lost.ShouldBe(new LostRange(3 * 4096, 3 * 4096));
    }

    [Fact]
    public void A_missing_part_costs_what_was_in_it()
    {
        var (archive, content, secret) = ArchiveProperties.Write(Enumerable.Repeat(true, 12).ToArray(), 32_000, compressed: false, null, seed: 2);
        archive.Parts.Count.ShouldBeGreaterThan(2);
        var (second, third) = (archive.Catalogue!.Parts[1].FirstOffset, archive.Catalogue.Parts[2].FirstOffset);
        var set = MemoryArchive.Set([.. archive.Parts.Select((bytes, i) => (i + 1, bytes)).Where(part => part.Item1 != 2)]);
        set.Gaps().ShouldBe(["part 2 is missing"]);
        var finding = ArchiveProperties.Read(set, content, secret).ShouldHaveSingleItem();
        finding.Problem.ShouldBe("part 2 is missing");
        finding.Lost.ShouldBe(new LostRange(second, third - second));
    }

    [Fact]
    public void A_missing_end_is_told_and_never_taken_for_holes()
    {
        var (archive, content, secret) = ArchiveProperties.Write(Enumerable.Repeat(true, 12).ToArray(), 32_000, compressed: false, KeyFile, seed: 2);
        var set = MemoryArchive.Set([.. archive.Parts.SkipLast(1).Select((bytes, i) => (i + 1, bytes))]);
        set.Gaps().ShouldBe(["the end is missing"]);
        var lost = ArchiveProperties.Read(set, content, secret).ShouldHaveSingleItem().Lost.ShouldNotBeNull();
        lost.Offset.ShouldBe(archive.Catalogue!.Parts[^1].FirstOffset);
        (lost.Offset + lost.Length).ShouldBe(content.Length);
    }

    [Fact]
    public void A_place_that_cannot_be_read_costs_its_page_and_is_told_with_the_error()
    {
        var (archive, content, secret) = ArchiveProperties.Write(Enumerable.Range(0, 12).Select(i => i % 2 == 0).ToArray(), 1 << 20, compressed: false, null, seed: 2);
        var bytes = archive.Parts[0];
        var input = new MemoryInput("bad medium", bytes);
        input.BadPages.Add(4);
        var set = new ArchiveSet("m", "a", [ArchivePart.Read(input, 0, bytes.Length, 1)], [], null, []);
        var findings = ArchiveProperties.Read(set, content, secret);
        findings.ShouldContain(finding => finding.Problem.Contains("errno 5", StringComparison.Ordinal));
        findings.Sum(finding => finding.Lost?.Length ?? 0).ShouldBeLessThanOrEqualTo(6 * 4096);
    }

    [Fact]
    public void An_archive_that_holds_an_archive_is_not_mistaken_for_it()
    {
        var (inner, _, _) = ArchiveProperties.Write(Enumerable.Repeat(true, 3).ToArray(), 1 << 20, compressed: false, null, seed: 1);
        var device = new Dr.Edge.Tests.Nbd.MemoryDevice(64 * 1024);
        inner.Parts[0].CopyTo(device.Content, 4096);
        var outer = new MemoryArchive();
        new Dr.Edge.Archives.Writing.ArchiveWriter(device, outer, MemoryArchive.Describe(1 << 20), null).Run((_, _) => { }, CancellationToken.None);
        var bytes = outer.Parts[0];

        // The header of the record that holds it: the reader looks for the next record, and finds the inner ones first.
        bytes[(PartHeader.Copies * PartHeader.SizeBytes) + 9] ^= 1;
        ArchiveProperties.Read(MemoryArchive.Set([(1, bytes)]), device.Content, null).ShouldNotBeEmpty();
        ArchiveProperties.Read(MemoryArchive.File(bytes), device.Content, null).ShouldNotBeEmpty();
    }

    [Fact]
    public void Parts_of_another_archive_are_told_and_left_out()
    {
        var (one, content, _) = ArchiveProperties.Write(Enumerable.Repeat(true, 12).ToArray(), 32_000, compressed: false, null, seed: 2);
        var (other, _, _) = ArchiveProperties.Write(Enumerable.Repeat(true, 12).ToArray(), 32_000, compressed: false, null, seed: 2);
        var set = MemoryArchive.Set([(1, one.Parts[0]), (2, other.Parts[1]), .. one.Parts.Skip(2).Select((bytes, i) => (i + 3, bytes))]);
        var findings = ArchiveProperties.Read(set, content, null);
        findings.ShouldContain(finding => finding.Problem.Contains("belongs to another archive", StringComparison.Ordinal));
        findings.ShouldContain(finding => finding.Problem == "part 2 is missing" && finding.Lost != null);
    }

    [Fact]
    public void A_record_fits_no_other_part_and_a_part_written_again_has_another_key()
    {
        var (archive, content, secret) = ArchiveProperties.Write(Enumerable.Repeat(true, 12).ToArray(), 32_000, compressed: false, KeyFile, seed: 2);
        var set = MemoryArchive.Set([.. archive.Parts.Select((bytes, i) => (i + 1, bytes))]);
        set.Parts.Select(part => Convert.ToHexString(part.Header!.PartSalt)).Distinct().Count().ShouldBe(archive.Parts.Count);

        // The second part's records behind the third's header.
        archive.Parts[1].AsSpan(8192, 4096).CopyTo(archive.Parts[2].AsSpan(8192));
        ArchiveProperties.Read(MemoryArchive.Set([.. archive.Parts.Select((bytes, i) => (i + 1, bytes))]), content, secret).ShouldNotBeEmpty();
    }

    [Fact]
    public void A_wrong_key_is_told_from_damage()
    {
        var (archive, _, _) = ArchiveProperties.Write([true], 1 << 20, compressed: false, KeyFile, seed: 2);
        var header = MemoryArchive.Set([(1, archive.Parts[0])]).Header!;
        Should.Throw<DrException>(() => ArchiveKeys.Master(header, new ArchiveSecret(ArchiveKeyKind.KeyFile, [.. Enumerable.Repeat((byte)1, 32)]), "m")).Message.ShouldContain("does not open");
        Should.Throw<DrException>(() => ArchiveKeys.Master(header, null, "m")).Hint.ShouldNotBeNull().ShouldContain("--encrypt-key-file");
        Should.Throw<DrException>(() => ArchiveKeys.Master(header, new ArchiveSecret(ArchiveKeyKind.Passphrase, [1]), "m")).Message.ShouldContain("key file");
    }

    [Fact]
    public void Content_is_not_readable_in_an_encrypted_archive()
    {
        var (archive, content, _) = ArchiveProperties.Write([true, true], 1 << 20, compressed: false, KeyFile, seed: 2);
        archive.Parts[0].AsSpan().IndexOf(content.AsSpan(0, 32)).ShouldBe(-1);
        var (plain, same, _) = ArchiveProperties.Write([true, true], 1 << 20, compressed: false, null, seed: 2);
        plain.Parts[0].AsSpan().IndexOf(same.AsSpan(0, 32)).ShouldBeGreaterThan(0);
    }

    [Theory]
    [InlineData("00112233445566778899aabbccddeeff\n", 16)]
    [InlineData("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 32)]
    [InlineData("not hexadecimal, not Base64!", 28)]
    public void A_key_file_is_bytes_or_hexadecimal_or_base64(string text, int bytes) =>
        ArchiveSecret.FromKeyFile(System.Text.Encoding.ASCII.GetBytes(text), "f").Bytes.Length.ShouldBe(bytes);

    [Fact]
    public void Too_short_a_key_is_refused() => Should.Throw<DrException>(() => ArchiveSecret.FromKeyFile("abc"u8, "f"));

    /// <summary>Long runs of zeros are all alike.</summary>
    private static bool IsQuiet(byte[] bytes, int at) => bytes.AsSpan(at, Math.Min(64, bytes.Length - at)).IndexOfAnyExcept((byte)0) < 0;
}
