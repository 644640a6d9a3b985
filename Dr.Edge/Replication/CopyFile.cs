using System.Text.Json;
using Dr.Edge.Cli;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication;

/// <summary>
/// The copies of one volume: <c>copies.json</c> in its directory, replaced as a whole (new file, flush, rename, flush of the directory), so that a reader after a crash sees the old list or the new one.
/// </summary>
internal static class CopyFile
{
    private const string Name = "copies.json";

    public static IReadOnlyList<CopySettings> Read(string directory)
    {
        var path = Path.Combine(directory, Name);
        if (!File.Exists(path))
        {
            return [];
        }

        try
        {
            return JsonSerializer.Deserialize<List<CopySettings>>(File.ReadAllBytes(path), ControlJson.Readable) ?? [];
        }
        catch (JsonException exception)
        {
            throw new DrException($"{path} cannot be read: {exception.Message}", "Put the list right, or delete the file and add the copies again.", exception);
        }
    }

    public static void Write(string directory, IReadOnlyList<CopySettings> copies) =>
        DurableFile.Replace(Path.Combine(directory, Name), JsonSerializer.SerializeToUtf8Bytes(copies, ControlJson.Readable), StoreFaults.None);
}
