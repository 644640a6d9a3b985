namespace Dr.Edge.Host.Config;

/// <summary>How to find out whether a component works; exactly one of the five kinds.</summary>
internal sealed class CheckOptions
{
    /// <summary>The tracked process is alive.</summary>
    public bool Process { get; set; }

    /// <summary><c>host:port</c> accepts a connection.</summary>
    public string? Tcp { get; set; }

    /// <summary>An address that answers with a status below 400.</summary>
    public string? Http { get; set; }

    /// <summary>A statement that succeeds.</summary>
    public string? Sql { get; set; }

    /// <summary>For <see cref="Sql"/>; default the component's own Unix socket as its own user.</summary>
    public string? Connection { get; set; }

    /// <summary>A command that exits with 0.</summary>
    public string? Command { get; set; }

    public TimeSpan Period { get; set; } = TimeSpan.FromSeconds(1);

    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>Missed checks in a row that make a degraded component a failed one; a process that is gone has failed at once.</summary>
    public int FailAfter { get; set; } = 3;
}
