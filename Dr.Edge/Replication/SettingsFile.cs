using System.Text.Json;
using Dr.Edge.Cli;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication;

/// <summary>
/// A list of settings in a file of JSON that people can read, replaced as a whole (new file, flush, rename, flush of the directory), so that a reader after a crash sees the old list or the
/// new one.
/// </summary>
internal static class SettingsFile
{
    /// <summary>Empty when the file is not there.</summary>
    /// <exception cref="DrException">It cannot be read; it stays as it is.</exception>
    public static IReadOnlyList<T> Read<T>(string path, string hint)
    {
        if (!File.Exists(path))
        {
            return [];
        }

        try
        {
            return JsonSerializer.Deserialize<List<T>>(File.ReadAllBytes(path), ControlJson.Readable) ?? [];
        }
        catch (JsonException exception)
        {
            throw new DrException($"{path} cannot be read: {exception.Message}", hint, exception);
        }
    }

    public static void Write<T>(string path, IReadOnlyList<T> list) => DurableFile.Replace(path, JsonSerializer.SerializeToUtf8Bytes(list, ControlJson.Readable), StoreFaults.None);
}
