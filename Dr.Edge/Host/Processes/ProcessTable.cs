namespace Dr.Edge.Host.Processes;

/// <summary>Looks at the processes of this machine.</summary>
internal static class ProcessTable
{
    public static ProcessEntry? Find(int processId)
    {
        try
        {
            return ProcessEntry.Parse(File.ReadAllText($"/proc/{processId}/stat"));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // Gone between two looks: that is the answer.
        }
    }

    /// <summary>Every process that has not ended.</summary>
    public static IReadOnlyList<ProcessEntry> All()
    {
        var all = new List<ProcessEntry>();
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory.AsSpan()), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Find(id) is { IsEnded: false } entry)
            {
                all.Add(entry);
            }
        }

        return all;
    }

    public static bool IsAlive(ProcessMark mark) => Find(mark.Id) is { IsEnded: false } entry && entry.StartTicks == mark.StartTicks;

    /// <summary>The directory a process works in; null when it is gone.</summary>
    public static string? WorkingDirectory(int processId) => Link($"/proc/{processId}/cwd");

    public static string CommandLine(int processId) => Text($"/proc/{processId}/cmdline").Replace('\0', ' ').Trim();

    /// <summary>The mounts that a process sees, which need not be ours.</summary>
    public static string MountInfo(int processId) => Text($"/proc/{processId}/mountinfo");

    /// <summary>Processes that hold a file, their working directory or their root below <paramref name="directory"/>.</summary>
    public static IReadOnlyList<ProcessEntry> UsersOf(string directory)
    {
        var prefix = directory.TrimEnd('/') + "/";
        bool Below(string? path) => path is not null && (path + "/").StartsWith(prefix, StringComparison.Ordinal);
        return [.. All().Where(p => Below(WorkingDirectory(p.Id)) || Below(Link($"/proc/{p.Id}/root")) || OpenFiles(p.Id).Any(Below))];
    }

    private static IEnumerable<string?> OpenFiles(int processId)
    {
        try
        {
            return [.. Directory.EnumerateFileSystemEntries($"/proc/{processId}/fd").Select(Link)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string? Link(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string Text(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
