using Dr.Edge.Host.Plan;

namespace Dr.Edge.Host.Config;

/// <summary>Judges the whole <c>systems</c> section at once and gives every reason, so that an operator corrects it once. Pure.</summary>
internal static class SystemConfigRules
{
    private static readonly string[] FileSystems = ["ext4", "xfs", "btrfs"];
    private static readonly TimeSpan LongestQuiesce = TimeSpan.FromSeconds(60);

    /// <param name="dataDirectory">The agent's own; it must not lie on what it freezes or unmounts.</param>
    public static IReadOnlyList<ConfigFault> Check(IReadOnlyList<SystemConfig> systems, string dataDirectory)
    {
        var faults = new List<ConfigFault>();
        foreach (var system in systems)
        {
            CheckSystem(system, dataDirectory, faults);
        }

        Unique(systems, s => s.Id, "systems", "id", faults);
        Unique(systems.Where(s => s.Mount is not null), s => s.Mount!.TrimEnd('/'), "systems", "mount", faults);
        Unique(systems.Where(s => s.Mount is not null), s => s.Volume ?? "", "systems", "volume", faults);
        Unique(
            systems.SelectMany(s => s.Components.Where(c => c.IsDatabase && c.Address.Length > 0), (s, c) => $"{c.Address}:{c.Port}"), a => a, "systems", "address and port", faults);
        return faults;
    }

    private static void CheckSystem(SystemConfig system, string dataDirectory, List<ConfigFault> faults)
    {
        var at = $"systems[{system.Id}]";
        if (!Names.IsValid(system.Id))
        {
            faults.Add(new($"{at}.id", $"'{system.Id}' is not a valid name.", "Use 1 to 64 letters, digits, hyphens, dots or underscores, starting with a letter or digit."));
        }

        if (system.Mount is { } mount)
        {
            if (!Names.IsValid(system.Volume))
            {
                faults.Add(new($"{at}.volume", $"'{system.Volume}' is not a valid volume name.", "Name the volume that holds the file system, or leave out 'mount'."));
            }

            if (!Path.IsPathFullyQualified(mount) || mount.Trim('/').Length == 0)
            {
                faults.Add(new($"{at}.mount", $"'{mount}' is not an absolute path below the root.", "Write for example /srv/dilas."));
            }
            else if (IsBelow(dataDirectory, mount))
            {
                faults.Add(new($"{at}.mount", "The agent's own data directory would lie below it.", "Keep the agent's data off the volumes that it attaches."));
            }

            if (!FileSystems.Contains(system.FileSystem))
            {
                faults.Add(new($"{at}.fileSystem", $"'{system.FileSystem}' is not supported.", "Use ext4, xfs or btrfs."));
            }
        }

        Unique(system.Components, c => c.Name, $"{at}.components", "name", faults);
        foreach (var component in system.Components)
        {
            ComponentRules.Check(system, component, $"{at}.components[{component.Name}]", faults);
        }

        var (_, cycle) = ComponentOrder.Of(system.Components);
        if (cycle.Count > 0)
        {
            faults.Add(new($"{at}.components", $"They depend on each other in a circle: {string.Join(" → ", cycle)}.", "Take one of these dependencies away."));
        }

        CheckQuiesce(system, $"{at}.quiesce", faults);
        if (system.Fence is { } fence && (string.IsNullOrWhiteSpace(fence.Off) || string.IsNullOrWhiteSpace(fence.Read)))
        {
            faults.Add(new($"{at}.fence", "A fence device that cannot be read back proves nothing.", "Give both commands, 'off' and 'read'."));
        }

        for (var index = 0; index < system.Network.Count; index++)
        {
            NetworkRules.Check(system.Network[index], $"{at}.network[{index}]", faults);
        }
    }

    private static void CheckQuiesce(SystemConfig system, string at, List<ConfigFault> faults)
    {
        if (system.Quiesce is not { } quiesce)
        {
            return;
        }

        var fault = quiesce.Provider switch
        {
            QuiesceOptions.PostgreSqlProvider or QuiesceOptions.MariaDbProvider when quiesce.Connection is null && system.Components.Count(c => c.Kind == quiesce.Provider) != 1 =>
                ("It cannot be told which database is meant.", $"Give 'connection', or have exactly one {quiesce.Provider} component."),
            QuiesceOptions.FileSystemProvider when system.Mount is null => ("There is no file system to freeze.", "Give the system a volume and a mount, or choose another provider."),
            QuiesceOptions.CommandProvider when quiesce.Freeze is null || quiesce.Thaw is null => ("A command pair needs both commands.", "Give 'freeze' and 'thaw'."),
            QuiesceOptions.PostgreSqlProvider or QuiesceOptions.MariaDbProvider or QuiesceOptions.FileSystemProvider or QuiesceOptions.CommandProvider => default((string, string)?),
            _ => ($"Provider '{quiesce.Provider}' is not known.", "Use postgresql, mariadb, fsfreeze or command."),
        };
        if (fault is { } f)
        {
            faults.Add(new(at, f.Item1, f.Item2));
        }

        if (quiesce.Timeout <= TimeSpan.Zero || quiesce.Timeout > LongestQuiesce)
        {
            faults.Add(new($"{at}.timeout", $"{quiesce.Timeout} is not between 0 and {LongestQuiesce}.", "Users wait that long: write for example 10s."));
        }
    }

    private static bool IsBelow(string path, string directory) =>
        (Path.GetFullPath(path).TrimEnd('/') + "/").StartsWith(Path.GetFullPath(directory).TrimEnd('/') + "/", StringComparison.Ordinal);

    private static void Unique<T>(IEnumerable<T> items, Func<T, string> key, string at, string what, List<ConfigFault> faults)
    {
        foreach (var twice in items.GroupBy(key).Where(g => g.Count() > 1))
        {
            faults.Add(new(at, $"The {what} '{twice.Key}' is used {twice.Count()} times.", "Each may be used once."));
        }
    }
}
