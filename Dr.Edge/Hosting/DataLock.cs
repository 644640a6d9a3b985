namespace Dr.Edge.Hosting;

/// <summary>Holds the data directory of a device without volumes against a second process; with volumes, they do. The file is the same, so that one of each kind cannot share a directory either.</summary>
internal sealed class DataLock : IDisposable
{
    private readonly FileStream _file;

    /// <exception cref="DrException">Another process has it, or it cannot be written.</exception>
    public DataLock(EdgeConfig config)
    {
        try
        {
            Directory.CreateDirectory(config.Data);
            _file = new FileStream(Path.Combine(config.Data, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"The data directory {config.Data} is in use by another dr-edge, or cannot be written: {exception.Message}", "Stop the other one, or choose another directory with --data.", exception);
        }
    }

    public void Dispose() => _file.Dispose();
}
