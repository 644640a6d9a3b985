namespace Dr.Simulator.Live.World;

/// <summary>What /proc says. Processes come and go while it is read: one that is gone is left out.</summary>
internal static class ProcessTable
{
    public static IReadOnlyList<int> All() =>
        [.. Directory.EnumerateDirectories("/proc").Select(d => int.TryParse(Path.GetFileName(d), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0).Where(id => id > 0)];

    public static IReadOnlyList<int> Children(int process)
    {
        var text = Text($"/proc/{process}/task/{process}/children");
        return text is null ? [] : [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture))];
    }

    /// <summary>The identity of one of its namespaces, for example <c>pid:[4026532]</c>; null when it is gone.</summary>
    public static string? Namespace(int process, string kind)
    {
        try
        {
            return new FileInfo($"/proc/{process}/ns/{kind}").LinkTarget;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    public static IReadOnlyList<int> InNamespace(string kind, string name) => [.. All().Where(id => Namespace(id, kind) == name)];

    /// <summary>Whether its program is one of these words: a program that changes the user before it runs another one is followed by that one in the command.</summary>
    public static bool Runs(int process, IReadOnlyList<string> command) => Text($"/proc/{process}/cmdline") is { } line && command.Contains(line.Split('\0')[0]);

    /// <summary>When it started, in clock ticks since the machine did: with its id it names a process for good. Null when it is gone.</summary>
    public static string? StartedAt(int process) => Text($"/proc/{process}/stat") is { } line ? line[(line.LastIndexOf(')') + 2)..].Split(' ')[19] : null;

    private static string? Text(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
