using System.IO.Compression;
using System.Reflection;
using System.Text.RegularExpressions;
using Dr.Edge.Archives;
using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Archives.Restoring;
using Dr.Edge.Archives.Writing;
using Dr.Edge.Tests.Nbd;
using Dr.Edge.Tests.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Tests.Archives;

/// <summary>archive-format.md says what the code does, and what an earlier build wrote is read for ever. <c>DR_WRITE_GOLDEN=1</c> writes a golden archive where none is; an old one is never written over.</summary>
public sealed partial class ArchiveFormatTests
{
    private const string GoldenKey = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    private const string GoldenPassphrase = "correct horse battery staple";
    private static readonly string Document = File.ReadAllText(Path.Combine(Volumes.FormatDocumentTests.RepositoryRoot(), "Dr.Edge", "Archives", "Format", "archive-format.md"));
    private static readonly string Golden = Path.Combine(Volumes.FormatDocumentTests.RepositoryRoot(), "tests", "golden", "archive-v1.zip");

    [Theory]
    [InlineData(typeof(PartHeader), "## Part header")]
    [InlineData(typeof(RecordHeader), "## Record header")]
    [InlineData(typeof(PartEnd), "## End of a part")]
    public void The_byte_tables_are_those_of_the_code(Type codec, string heading)
    {
        var start = Document.IndexOf(heading, StringComparison.Ordinal);
        start.ShouldBeGreaterThan(0);
        var section = Document[start..Document.IndexOf("\n## ", start + 3, StringComparison.Ordinal)];
        var documented = Row().Matches(section).ToDictionary(m => m.Groups["name"].Value, m => int.Parse(m.Groups["offset"].ValueSpan, null));
        var coded = codec.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(f => f.IsLiteral && f.FieldType == typeof(int) && f.Name.EndsWith("Offset", StringComparison.Ordinal))
            .ToDictionary(f => f.Name[..^"Offset".Length], f => (int)f.GetRawConstantValue()!);
        documented.OrderBy(p => p.Key, StringComparer.Ordinal).ShouldBe(coded.OrderBy(p => p.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void The_numbers_in_the_text_are_those_of_the_code()
    {
        Document.ShouldContain($"({PartHeader.SizeBytes} bytes, twice)");
        Document.ShouldContain($"## Record header ({RecordHeader.SizeBytes} bytes)");
        Document.ShouldContain($"(payload of {PartEnd.SizeBytes} bytes)");
        Document.ShouldContain($"the last {PartEnd.RecordBytes} bytes");
        Document.ShouldContain(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{ArchiveSecret.NewIterations / 1000} 000 rounds"));
        Document.ShouldContain(ArchiveNames.Part("NAME", 1));
        Document.ShouldContain(ArchiveNames.Catalogue("NAME"));
    }

    [Theory]
    [InlineData("plain", null, null)]
    [InlineData("packed", null, null)]
    [InlineData("key", GoldenKey, null)]
    [InlineData("phrase", null, GoldenPassphrase)]
    public async Task An_archive_of_format_version_1_reads_as_it_was_written(string name, string? key, string? passphrase)
    {
        if (Environment.GetEnvironmentVariable("DR_WRITE_GOLDEN") == "1" && !File.Exists(Golden))
        {
            await WriteAsync();
        }

        var folder = Directory.CreateTempSubdirectory("dr-golden-archive-").FullName;
        try
        {
            await ZipFile.ExtractToDirectoryAsync(Golden, folder);
            using var set = ArchiveLocator.FindOne(folder, name);
            var secret = key is null ? passphrase is null ? null : Passphrase() : KeyFile();
            var verified = ArchiveVerify.Run(set, secret, (_, _) => { }, CancellationToken.None);
            verified.Findings.ShouldBeEmpty();
            verified.Parts.ShouldBeGreaterThan(2);
            set.Description!.Label.ShouldBe("before the move");
            var image = Path.Combine(folder, "image.raw");
            using (var target = new ImageTarget(set, image, StoreFaults.None))
            {
                ArchiveRestore.Run(set, secret, target, image, salvage: false, (_, _) => { }, CancellationToken.None);
            }

            (await File.ReadAllBytesAsync(image)).AsSpan().SequenceEqual(Content()).ShouldBeTrue();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static ArchiveSecret KeyFile() => ArchiveSecret.FromKeyFile(System.Text.Encoding.ASCII.GetBytes(GoldenKey), "key");

    private static ArchiveSecret Passphrase() => ArchiveSecret.FromPassphraseFile(System.Text.Encoding.ASCII.GetBytes(GoldenPassphrase), "phrase");

    private static byte[] Content()
    {
        var content = new byte[40 * 4096];
        StoreFixture.Pattern(60_000, 1).CopyTo(content, 4096);
        content.AsSpan(30_000, 9000).Fill(7);
        StoreFixture.Pattern(9000, 2).CopyTo(content, 120_000);
        return content;
    }

    private static async Task WriteAsync()
    {
        var folder = Directory.CreateTempSubdirectory("dr-golden-archive-").FullName;
        var device = new MemoryDevice(40 * 4096);
        Content().CopyTo(device.Content, 0);
        foreach (var (name, secret) in new[] { ("plain", null), ("packed", null), ("key", KeyFile()), ("phrase", Passphrase()) })
        {
            using var target = new FolderTarget(folder, name, StoreFaults.None);
            new ArchiveWriter(device, target, MemoryArchive.Describe(30_000, compressed: name != "plain", name), secret, recordBytes: 8192).Run((_, _) => { }, CancellationToken.None);
        }

        await ZipFile.CreateFromDirectoryAsync(folder, Golden);
        Directory.Delete(folder, recursive: true);
    }

    [GeneratedRegex(@"^\| (?<offset>\d+) \| \d+ \| (?<name>\w+) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Row();
}
