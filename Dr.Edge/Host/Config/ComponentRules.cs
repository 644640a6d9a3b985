namespace Dr.Edge.Host.Config;

/// <summary>Judges one component. Pure.</summary>
internal static class ComponentRules
{
    private static readonly string[] Authentications = ["scram-sha-256", "md5", "trust", "cert"];

    public static void Check(SystemConfig system, ComponentOptions component, string at, List<ConfigFault> faults)
    {
        if (!Names.IsValid(component.Name))
        {
            faults.Add(new($"{at}.name", $"'{component.Name}' is not a valid name.", "Use 1 to 64 letters, digits, hyphens, dots or underscores."));
        }

        switch (component.Kind)
        {
            case ComponentOptions.PostgreSqlKind or ComponentOptions.MariaDbKind:
                CheckDatabase(system, component, at, faults);
                break;
            case ComponentOptions.CommandKind:
                CheckCommand(component, at, faults);
                break;
            default:
                faults.Add(new($"{at}.kind", $"'{component.Kind}' is not known.", "Use postgresql, mariadb or command."));
                break;
        }

        foreach (var name in component.DependsOn.Where(name => system.Components.TrueForAll(c => c.Name != name)))
        {
            faults.Add(new($"{at}.dependsOn", $"There is no component '{name}'.", "Name a component of the same system."));
        }

        Positive(component.StartTimeout, $"{at}.startTimeout", faults);
        Positive(component.StopTimeout, $"{at}.stopTimeout", faults);
        if (component.Check is { } check)
        {
            CheckCheck(component, check, $"{at}.check", faults);
        }
    }

    private static void CheckDatabase(SystemConfig system, ComponentOptions component, string at, List<ConfigFault> faults)
    {
        if (component.DataDirectory is not { } directory || !Path.IsPathFullyQualified(directory))
        {
            faults.Add(new($"{at}.dataDirectory", "An absolute path is needed.", "Write for example /srv/dilas/db."));
        }
        else if (system.Mount is { } mount && !Path.GetFullPath(directory).StartsWith(mount.TrimEnd('/') + "/", StringComparison.Ordinal))
        {
            faults.Add(new($"{at}.dataDirectory", $"{directory} is not on the protected volume.", $"Put it below {mount}, or nothing of it reaches the other site."));
        }

        if (component.Port is < 1 or > 65535)
        {
            faults.Add(new($"{at}.port", $"{component.Port} is not a port.", "Use 1 to 65535."));
        }

        if (!Authentications.Contains(component.Authentication))
        {
            faults.Add(new($"{at}.authentication", $"'{component.Authentication}' is not known.", $"Use one of {string.Join(", ", Authentications)}."));
        }

        if (component.Start is not null || component.Stop is not null || component.Background)
        {
            faults.Add(new(at, $"A {component.Kind} component is started and stopped by the agent itself.", "Leave out start, stop and background, or use kind: command."));
        }

        if (component.User == "root")
        {
            faults.Add(new($"{at}.user", "A database refuses to run as root.", "Use its own user, normally postgres or mysql."));
        }
    }

    private static void CheckCommand(ComponentOptions component, string at, List<ConfigFault> faults)
    {
        if (string.IsNullOrWhiteSpace(component.Start))
        {
            faults.Add(new($"{at}.start", "There is nothing to start.", "Give the command."));
        }

        if (component.Background && (component.Stop is null || component.Check is null or { Process: true }))
        {
            faults.Add(new($"{at}.background", "A program that puts itself into the background cannot be tracked.", "Give 'stop' and a check that looks at the service (tcp, http, sql or command)."));
        }
    }

    private static void CheckCheck(ComponentOptions component, CheckOptions check, string at, List<ConfigFault> faults)
    {
        var kinds = (check.Process ? 1 : 0) + new[] { check.Tcp, check.Http, check.Sql, check.Command }.Count(k => k is not null);
        if (kinds != 1)
        {
            faults.Add(new(at, $"It has {kinds} kinds of check.", "Give exactly one of process, tcp, http, sql and command."));
        }

        if (check.Tcp is { } tcp && !HostPort.TryParse(tcp, out _))
        {
            faults.Add(new($"{at}.tcp", $"'{tcp}' is not host:port.", "Write for example 127.0.0.1:80."));
        }

        if (check.Http is { } http && !(Uri.TryCreate(http, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https"))
        {
            faults.Add(new($"{at}.http", $"'{http}' is not an http address.", "Write for example http://127.0.0.1:8080/health."));
        }

        if (check.Sql is not null && check.Connection is null && !component.IsDatabase)
        {
            faults.Add(new($"{at}.connection", "It is not known which database to ask.", "Give a connection string."));
        }

        Positive(check.Period, $"{at}.period", faults);
        Positive(check.Timeout, $"{at}.timeout", faults);
        if (check.FailAfter < 1)
        {
            faults.Add(new($"{at}.failAfter", $"{check.FailAfter} is less than 1.", "Use 1 or more."));
        }
    }

    private static void Positive(TimeSpan value, string at, List<ConfigFault> faults)
    {
        if (value <= TimeSpan.Zero)
        {
            faults.Add(new(at, $"{value} is not positive.", "Write for example 2s."));
        }
    }
}
