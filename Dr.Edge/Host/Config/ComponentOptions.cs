namespace Dr.Edge.Host.Config;

/// <summary>One part of a business system that is started, checked and stopped.</summary>
internal sealed class ComponentOptions
{
    /// <summary>The agent knows how to prepare, start and stop a PostgreSQL cluster.</summary>
    public const string PostgreSqlKind = "postgresql";

    /// <summary>The agent knows how to prepare, start and stop a MariaDB server.</summary>
    public const string MariaDbKind = "mariadb";

    /// <summary>Start and stop are commands of the operator.</summary>
    public const string CommandKind = "command";

    private const int PostgreSqlPort = 5432;
    private const int MariaDbPort = 3306;
    private int? _port;

    public string Name { get; set; } = "";

    /// <summary><c>postgresql</c>, <c>mariadb</c> or <c>command</c> (the default).</summary>
    public string Kind { get; set; } = CommandKind;

    /// <summary>Components that must run and pass their check before this one starts; it stops before them.</summary>
    public List<string> DependsOn { get; set; } = [];

    /// <summary>Default: the process is there.</summary>
    public CheckOptions? Check { get; set; }

    /// <summary>Longest time from start to the first passed check. Generous, because a database replays its log first.</summary>
    public TimeSpan StartTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>After this an orderly stop becomes a forced one.</summary>
    public TimeSpan StopTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The operating-system user it runs as; default root for commands, postgres for PostgreSQL, mysql for MariaDB.</summary>
    public string? User { get; set; }

    /// <summary>Its output; default a file beside the agent's state, for a database <c>server.log</c> in the data directory.</summary>
    public string? Log { get; set; }

    // kind: command

    public string? Start { get; set; }

    /// <summary>Default: SIGTERM to the process group, then SIGKILL after <see cref="StopTimeout"/>.</summary>
    public string? Stop { get; set; }

    /// <summary>The start command puts the program into the background and ends by itself; then <see cref="Stop"/> is needed.</summary>
    public bool Background { get; set; }

    // kind: postgresql or mariadb

    public string? DataDirectory { get; set; }

    /// <summary>Default 5432 for PostgreSQL, 3306 for MariaDB.</summary>
    public int Port
    {
        get => _port ?? (Kind == MariaDbKind ? MariaDbPort : PostgreSqlPort);
        set => _port = value;
    }

    /// <summary>What it listens on (<c>listen_addresses</c>, <c>bind-address</c>); empty: only on its Unix socket.</summary>
    public string Address { get; set; } = "127.0.0.1";

    /// <summary>Directory with its programs; default for PostgreSQL the right version below /usr/lib/postgresql, for MariaDB what the search path finds.</summary>
    public string? Binaries { get; set; }

    /// <summary>
    /// Directory of the Unix socket; default the data directory. It should be this cluster's alone: what a crash leaves in a shared one names a process that may be somebody else's by then.
    /// </summary>
    public string? SocketDirectory { get; set; }

    /// <summary>PostgreSQL only: method that <c>system prepare</c> writes into pg_hba.conf for <see cref="Clients"/>. Loopback only by default, and with a password.</summary>
    public string Authentication { get; set; } = "scram-sha-256";

    /// <summary>PostgreSQL only: networks that <c>system prepare</c> lets in.</summary>
    public List<string> Clients { get; set; } = ["127.0.0.0/8", "::1/128"];

    /// <summary>Further server settings, given on its command line.</summary>
    public Dictionary<string, string> Settings { get; set; } = [];

    public bool IsDatabase => Kind is PostgreSqlKind or MariaDbKind;
}
