using System.Text.Json;
using Dr.Edge.Cli;

namespace Dr.Edge.Host.Recovery;

/// <summary>The recoveries of one system, one file each: temporary file, flush, rename.</summary>
internal sealed class RecoveryJournal(string directory)
{
    public IReadOnlyList<RecoveryRecord> All() => Directory.Exists(directory)
        ? [.. Directory.EnumerateFiles(directory, "*.json").Order(StringComparer.Ordinal).Select(Read)]
        : [];

    public RecoveryRecord? Find(string id) => All().FirstOrDefault(r => r.Id == id);

    public void Write(RecoveryRecord record)
    {
        Directory.CreateDirectory(directory);
        var path = Path.Combine(directory, record.Id + ".json");
        using (var file = new FileStream(path + ".new", FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, record, ControlJson.Readable);
            file.Flush(flushToDisk: true);
        }

        File.Move(path + ".new", path, overwrite: true);
    }

    private static RecoveryRecord Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize<RecoveryRecord>(File.ReadAllText(path), ControlJson.Readable)!;
        }
        catch (JsonException exception)
        {
            throw new DrException($"{path} is damaged: {exception.Message}", "It describes one recovery of tables. Look in the database for schemas that begin with dr_recovered_, then move the file away.", exception);
        }
    }
}
