using Dr.Edge.Host.Config;

namespace Dr.Edge.Host.Recovery;

/// <summary>How a database is run on a clone of its volume: it must open what is there, and do nothing to the world outside. Pure.</summary>
internal static class CloneSettings
{
    public static ComponentOptions Of(ComponentOptions component, string mount, string cloneMount, bool isForChecks)
    {
        var directory = Path.Combine(cloneMount, Path.GetRelativePath(mount, component.DataDirectory!));
        return new ComponentOptions
        {
            Name = $"{component.Name} on the clone",
            Kind = component.Kind,
            DataDirectory = directory,
            Port = component.Port,
            Address = "",
            User = component.User,
            Binaries = component.Binaries,
            StartTimeout = component.StartTimeout,
            StopTimeout = component.StopTimeout,
            Settings = component.Kind == ComponentOptions.PostgreSqlKind ? PostgreSql(component.Settings, isForChecks) : MariaDb(component.Settings, isForChecks),
        };
    }

    private static Dictionary<string, string> PostgreSql(Dictionary<string, string> own, bool isForChecks)
    {
        var settings = new Dictionary<string, string>(own, StringComparer.OrdinalIgnoreCase)
        {
            ["shared_buffers"] = "64MB", // Memory is the original's.
            ["huge_pages"] = "off",
            ["archive_mode"] = "off", // Its log must not reach the original's archive.
            ["synchronous_standby_names"] = "",
            ["max_logical_replication_workers"] = "0",
            ["autovacuum"] = "off",
        };
        if (!isForChecks)
        {
            settings["fsync"] = "off";
        }

        return settings;
    }

    private static Dictionary<string, string> MariaDb(Dictionary<string, string> own, bool isForChecks)
    {
        string[] dropped = ["log_bin", "log-bin", "event_scheduler", "event-scheduler", "innodb_buffer_pool_size", "innodb-buffer-pool-size"];
        var settings = own.Where(s => !dropped.Contains(s.Key, StringComparer.OrdinalIgnoreCase)).ToDictionary(StringComparer.OrdinalIgnoreCase);
        settings["innodb-buffer-pool-size"] = "128M";
        settings["event-scheduler"] = "OFF"; // Its events have run on the original.
        settings["skip-slave-start"] = "1";
        if (!isForChecks)
        {
            settings["innodb-flush-log-at-trx-commit"] = "0";
        }

        return settings;
    }
}
