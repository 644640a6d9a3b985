namespace Dr.Edge.Cli;

/// <summary>Names as parts of a path on the control socket. Whatever a name holds, it stays one part: <c>..</c> must never make another request of it.</summary>
internal static class ControlPath
{
    /// <summary>
    /// Escaped twice, because a slash that is escaped once is not undone by the server's routing, and <c>.</c> and <c>..</c> that are not escaped, or once, are taken for steps in the path.
    /// <see cref="Undo"/> is the other half.
    /// </summary>
    /// <exception cref="UsageException">It is empty.</exception>
    public static string Segment(string name) => name switch
    {
        "" => throw new UsageException("A name is empty.", "Give the name of what is meant; is a variable of the shell not set?"),
        "." or ".." => name.Replace(".", "%252E", StringComparison.Ordinal),
        _ => Uri.EscapeDataString(Uri.EscapeDataString(name)),
    };

    /// <summary>The name that a route's value stands for; routing has undone the outer escape.</summary>
    public static string Undo(string routeValue) => Uri.UnescapeDataString(routeValue);
}
