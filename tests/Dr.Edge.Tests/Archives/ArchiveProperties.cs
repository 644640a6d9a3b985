using System.Security.Cryptography;
using CsCheck;
using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Archives.Writing;
using Dr.Edge.Tests.Nbd;

namespace Dr.Edge.Tests.Archives;

/// <summary>
/// Whatever happens to the parts of an archive: what a reader gives out is what was archived, what it does not give out and does not call lost is zeros that were zeros, and every change is told.
/// </summary>
public sealed class ArchiveProperties
{
    private const int BlockBytes = 4096;
    private const int RecordBytes = 2 * BlockBytes;
    private const int Cases = 10_000;
    private static readonly ArchiveSecret KeyFile = new(ArchiveKeyKind.KeyFile, RandomNumberGenerator.GetBytes(32));

    private static readonly Gen<bool[]> Blocks = Gen.Bool.Array[1, 24];

    // Enough variety in form; the damage is what varies.
    private static readonly IReadOnlyList<(MemoryArchive Archive, byte[] Content, ArchiveSecret? Secret)> Samples =
    [
        .. from secret in new[] { null, KeyFile }
           from compressed in new[] { false, true }
           from seed in new[] { 1, 2 }
           select Write(Enumerable.Range(0, 22).Select(i => (i * 7 + seed) % 3 != 0).ToArray(), 8192 + (seed * 16_000), compressed, secret, seed),
    ];

    [Fact]
    public void What_is_written_is_read() =>
        Gen.Select(Blocks, Gen.Int[22_000, 60_000], Gen.Bool, Gen.Bool, Gen.Int).Sample(
            (blocks, partBytes, compressed, encrypted, seed) =>
            {
                var (archive, content, secret) = Write(blocks, partBytes, compressed, encrypted ? KeyFile : null, seed);
                archive.Parts.Count.ShouldBe(archive.Catalogue!.Parts.Count);
                var whole = archive.Parts.Select((bytes, i) => (i + 1, bytes)).ToList();
                Read(MemoryArchive.Set(whole), content, secret).ShouldBeEmpty();
                Read(MemoryArchive.File([.. archive.Parts.SelectMany(bytes => bytes)]), content, secret).ShouldBeEmpty();
                archive.Parts.ShouldAllBe(bytes => bytes.Length % ArchiveLimits.PageBytes == 0);
            },
            iter: 2_000);

    [Fact]
    public void Nothing_wrong_is_ever_read_and_every_change_is_told() =>
        Gen.Select(Gen.Int[0, Samples.Count - 1], Gen.Bool, Damage.Gen.List[1, 3]).Sample(
            (index, asFile, damages) =>
            {
                var (archive, content, secret) = Samples[index];
                var parts = archive.Parts.Select((bytes, i) => (Number: i + 1, Bytes: (byte[])bytes.Clone())).ToList();
                if (asFile)
                {
                    parts = [(1, [.. archive.Parts.SelectMany(bytes => bytes)])];
                }

                var before = parts.Select(part => (part.Number, Hash: Convert.ToHexString(SHA256.HashData(part.Bytes)))).ToList();
                foreach (var damage in damages)
                {
                    damage.Do(parts);
                }

                var changed = !parts.Select(part => (part.Number, Hash: Convert.ToHexString(SHA256.HashData(part.Bytes)))).SequenceEqual(before);
                var set = asFile ? MemoryArchive.File(parts.Count == 0 ? [] : parts[0].Bytes) : MemoryArchive.Set(parts);
                if (set.Header is null)
                {
                    changed.ShouldBeTrue();
                    return;
                }

                (Read(set, content, secret).Count > 0).ShouldBe(changed);
            },
            iter: Cases);

    internal static (MemoryArchive Archive, byte[] Content, ArchiveSecret? Secret) Write(bool[] blocks, long partBytes, bool compressed, ArchiveSecret? secret, int seed)
    {
        var device = new MemoryDevice(blocks.Length * BlockBytes);
        var random = new Random(seed);
        for (var i = 0; i < blocks.Length; i++)
        {
            if (blocks[i])
            {
                // Half noise, half the same again: compressible, and never all zeros.
                random.NextBytes(device.Content.AsSpan(i * BlockBytes, BlockBytes / 2));
                device.Content[(i * BlockBytes) + 17] = 1;
            }
        }

        var archive = new MemoryArchive();
        new ArchiveWriter(device, archive, MemoryArchive.Describe(partBytes, compressed), secret, RecordBytes).Run((_, _) => { }, CancellationToken.None);
        return (archive, device.Content, secret);
    }

    /// <summary>Reads the set and holds what comes to the content; the findings.</summary>
    internal static IReadOnlyList<ArchiveFinding> Read(ArchiveSet set, byte[] content, ArchiveSecret? secret)
    {
        var read = new byte[content.Length];
        var master = secret is null ? null : ArchiveKeys.Master(set.Header!, secret, "test");
        var last = 0L;
        var ledger = ArchiveReader.Run(
            set, master, 0,
            (_, offset, piece) =>
            {
                offset.ShouldBeGreaterThanOrEqualTo(last);
                last = offset + piece.Length;
                piece.Span.SequenceEqual(content.AsSpan((int)offset, piece.Length)).ShouldBeTrue($"wrong content at {offset}");
                piece.CopyTo(read.AsMemory((int)offset));
            },
            (_, _) => { }, null, CancellationToken.None);
        long lostBytes = 0;
        foreach (var lost in ledger.Findings.Select(finding => finding.Lost).OfType<LostRange>())
        {
            lostBytes += lost.Length;
            content.AsSpan((int)lost.Offset, (int)lost.Length).CopyTo(read.AsSpan((int)lost.Offset));
        }

        ledger.LostBytes.ShouldBe(lostBytes);
        read.AsSpan().SequenceEqual(content).ShouldBeTrue($"something is missing that is not called lost: {string.Join("; ", ledger.Findings)}");
        return ledger.Findings;
    }

    private enum Way
    {
        Flip,
        Zero,
        Cut,
        Drop,
        Insert,
        Append,
        Repeat,
    }

    private sealed record Damage(Way Way, double Part, double Place, int Length)
    {
        public static readonly Gen<Damage> Gen =
            CsCheck.Gen.Select(
                CsCheck.Gen.Frequency((6, CsCheck.Gen.Const(Way.Flip)), (2, CsCheck.Gen.Const(Way.Zero)), (1, CsCheck.Gen.Const(Way.Cut)), (1, CsCheck.Gen.Const(Way.Drop)), (1, CsCheck.Gen.Const(Way.Insert)), (1, CsCheck.Gen.Const(Way.Append)), (1, CsCheck.Gen.Const(Way.Repeat))),
                CsCheck.Gen.Double.Unit, CsCheck.Gen.Double.Unit, CsCheck.Gen.Int[1, 9000], (way, part, place, length) => new Damage(way, part, place, length));

        public void Do(List<(int Number, byte[] Bytes)> parts)
        {
            if (parts.Count == 0)
            {
                return;
            }

            var index = (int)(Part * parts.Count);
            var (number, bytes) = parts[index];
            var at = (int)(Place * bytes.Length);
            switch (Way)
            {
                case Way.Flip when bytes.Length > 0:
                    bytes[at] ^= (byte)(1 << (Length % 8));
                    break;
                case Way.Zero:
                    bytes.AsSpan(at, Math.Min(Length, bytes.Length - at)).Clear();
                    break;
                case Way.Cut:
                    parts[index] = (number, bytes[..at]);
                    break;
                case Way.Drop:
                    parts.RemoveAt(index);
                    break;
                case Way.Insert:
                    parts[index] = (number, [.. bytes[..at], .. new byte[Length], .. bytes[at..]]);
                    break;
                case Way.Append:
                    parts[index] = (number, [.. bytes, .. bytes[at..Math.Min(at + Length, bytes.Length)]]);
                    break;
                case Way.Repeat:
                    // What a write that went to the wrong place leaves.
                    bytes.AsSpan(at, Math.Min(Length, bytes.Length - at)).CopyTo(bytes.AsSpan((at / 2)..));
                    break;
            }
        }
    }
}
