namespace Dr.Edge.Host.Processes;

/// <summary>The account a component runs as.</summary>
internal sealed record OsUser(string Name, int UserId, int GroupId)
{
    public static OsUser Root { get; } = new("root", 0, 0);

    /// <exception cref="DrException">There is no such user.</exception>
    public static async Task<OsUser> FindAsync(string? name, CancellationToken cancellationToken)
    {
        if (name is null or "root")
        {
            return Root;
        }

        var entry = await ProgramRunner.RunAsync("getent", ["passwd", name], TimeSpan.FromSeconds(10), cancellationToken);
        var fields = entry.Output.Trim().Split(':');
        return entry.Succeeded && fields.Length >= 4
            ? new OsUser(name, int.Parse(fields[2], CultureInfo.InvariantCulture), int.Parse(fields[3], CultureInfo.InvariantCulture))
            : throw new DrException($"There is no user '{name}' on this machine.", "Create it, or name another one in the component's 'user'.");
    }

    /// <summary>The same command as this user, without a login session in between.</summary>
    public (string Program, string[] Arguments) Wrap(string program, IReadOnlyList<string> arguments) => UserId == Signals.EffectiveUserId()
        ? (program, [.. arguments])
        : ("setpriv", [$"--reuid={UserId}", $"--regid={GroupId}", "--init-groups", "--", program, .. arguments]);
}
