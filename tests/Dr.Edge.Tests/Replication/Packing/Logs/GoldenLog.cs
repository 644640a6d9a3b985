using System.IO.Compression;
using Dr.Edge.Tests.Volumes;

namespace Dr.Edge.Tests.Replication.Packing.Logs;

/// <summary>Eight pages of the log that PostgreSQL 15 wrote under pgbench, and the forms that builds have given them.</summary>
internal static class GoldenLog
{
    public const string Pages = "log.bin";
    private static readonly string Archive = Path.Combine(FormatDocumentTests.RepositoryRoot(), "tests", "golden", "postgresql-15-log.zip");

    public static bool Has(string name)
    {
        using var archive = ZipFile.OpenRead(Archive);
        return archive.GetEntry(name) is not null;
    }

    public static byte[] Read(string name)
    {
        using var archive = ZipFile.OpenRead(Archive);
        using var content = archive.GetEntry(name)!.Open();
        using var memory = new MemoryStream();
        content.CopyTo(memory);
        return memory.ToArray();
    }

    public static void Write(string name, ReadOnlySpan<byte> bytes)
    {
        using var archive = ZipFile.Open(Archive, ZipArchiveMode.Update);
        using var content = archive.CreateEntry(name, CompressionLevel.SmallestSize).Open();
        content.Write(bytes);
    }
}
