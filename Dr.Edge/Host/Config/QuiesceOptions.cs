namespace Dr.Edge.Host.Config;

/// <summary>How a system is brought to a consistent state for the moment a point is taken.</summary>
internal sealed class QuiesceOptions
{
    public const string PostgreSqlProvider = ComponentOptions.PostgreSqlKind;
    public const string MariaDbProvider = ComponentOptions.MariaDbKind;
    public const string FileSystemProvider = "fsfreeze";
    public const string CommandProvider = "command";

    /// <summary><c>postgresql</c>, <c>mariadb</c>, <c>fsfreeze</c> or <c>command</c>.</summary>
    public string Provider { get; set; } = "";

    /// <summary>For a database; default the Unix socket of the system's component of that kind.</summary>
    public string? Connection { get; set; }

    /// <summary>For a command pair.</summary>
    public string? Freeze { get; set; }

    public string? Thaw { get; set; }

    /// <summary>A missed deadline makes the point crash-consistent; whatever was frozen is thawed by then even if the agent dies.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}
