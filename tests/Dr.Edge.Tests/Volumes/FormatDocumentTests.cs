using System.Reflection;
using System.Text.RegularExpressions;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Tests.Volumes;

/// <summary>volume-format.md says what the code does.</summary>
public sealed partial class FormatDocumentTests
{
    private static readonly string Document = File.ReadAllText(Path.Combine(RepositoryRoot(), "Dr.Edge", "Volumes", "volume-format.md"));

    [Theory]
    [InlineData(typeof(Superblock), "## Superblock copy")]
    [InlineData(typeof(FlushMark), "## Flush mark")]
    [InlineData(typeof(ManifestRecord), "## Manifest record")]
    [InlineData(typeof(LayerHeader), "## Layer header")]
    [InlineData(typeof(BatchHeader), "## Batch —")]
    [InlineData(typeof(BatchDescriptor), "A descriptor (")]
    [InlineData(typeof(LayerIndex), "## Index of a sealed layer")]
    [InlineData(typeof(BaseImage), "## base.crc")]
    public void The_byte_tables_are_those_of_the_code(Type codec, string heading)
    {
        var start = Document.IndexOf(heading, StringComparison.Ordinal);
        start.ShouldBeGreaterThan(0);
        var next = Document.IndexOf("\n## ", start + 3, StringComparison.Ordinal);
        var section = Document[start..(next < 0 ? Document.Length : next)];
        if (codec == typeof(BatchHeader))
        {
            section = section[..section.IndexOf("A descriptor", StringComparison.Ordinal)];
        }

        var documented = Row().Matches(section).ToDictionary(m => m.Groups["name"].Value, m => int.Parse(m.Groups["offset"].ValueSpan, null));
        var coded = codec.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic)
            .Where(f => f.IsLiteral && f.FieldType == typeof(int) && f.Name.EndsWith("Offset", StringComparison.Ordinal) && f.Name != "FileOffset")
            .ToDictionary(f => f.Name[..^"Offset".Length], f => (int)f.GetRawConstantValue()!);
        documented.OrderBy(p => p.Key, StringComparer.Ordinal).ShouldBe(coded.OrderBy(p => p.Key, StringComparer.Ordinal));
    }

    [Fact]
    public void Every_crash_point_is_described() =>
        CrashPoints.All.ShouldAllBe(point => Document.Contains($"`{point}`"));

    internal static string RepositoryRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "Dr.slnx")))
        {
            directory = directory.Parent;
        }

        return directory.FullName;
    }

    [GeneratedRegex(@"^\| (?<offset>\d+) \| \d+ \| (?<name>\w+) \|", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Row();
}
