namespace Dr.Edge.Replication.Mirror;

/// <summary>Which start of the machine this is: what the page cache held before it is gone after it.</summary>
internal static class MachineStart
{
    private const string Path = "/proc/sys/kernel/random/boot_id";

    /// <summary>Null when the kernel does not tell.</summary>
    public static string? Id { get; } = Read();

    private static string? Read()
    {
        try
        {
            return File.ReadAllText(Path).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
