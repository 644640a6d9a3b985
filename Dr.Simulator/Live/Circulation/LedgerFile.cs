using System.Text;

namespace Dr.Simulator.Live.Circulation;

/// <summary>
/// The judge's record, kept outside everything that is under test: a line is on the disk before the workload goes on, so what it says was answered was answered.
/// </summary>
internal sealed class LedgerFile : IDisposable
{
    private readonly FileStream _stream;

    public LedgerFile(string path) => _stream = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.Read);

    public void Append(LedgerEntry entry)
    {
        _stream.Write(Encoding.ASCII.GetBytes(entry.Format() + "\n"));
        _stream.Flush(flushToDisk: true);
    }

    /// <summary>All whole lines; a last line without its end is a kill of the workload itself and is left out.</summary>
    public static IReadOnlyList<LedgerEntry> ReadAll(string path)
    {
        using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var text = reader.ReadToEnd();
        var whole = text[..(text.LastIndexOf('\n') + 1)];
        return [.. whole.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select((line, index) => LedgerEntry.Parse(line, path, index + 1))];
    }

    public void Dispose() => _stream.Dispose();
}
