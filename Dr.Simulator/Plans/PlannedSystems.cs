using Dr.Contracts.Cli;
using Dr.Contracts.Grains;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Sites;
using Dr.Silo.Hosting;
using Dr.Simulator.World;

namespace Dr.Simulator.Plans;

/// <summary>What the plan knows about the systems: policies, and what the control plane's configuration or the command line say about order and load.</summary>
internal sealed record PlannedSystems
{
    /// <summary>One policy per system, with its own takeover class and approval.</summary>
    public required IReadOnlyList<BackupPolicy> Policies { get; init; }

    public required IReadOnlyList<SiteMember> Members { get; init; }

    /// <summary>Where each serves: by the configuration or the command line, else at production.</summary>
    public required IReadOnlyDictionary<SystemId, SiteId> Homes { get; init; }

    /// <summary>What was assumed for want of a configuration; shown with the plan.</summary>
    public required IReadOnlyList<string> Assumptions { get; init; }

    /// <summary>Step of the priorities that come from the order of the table.</summary>
    private const int Step = 10;

    /// <summary>Of the paper: these are clients of the library system; playback failed when its data was closed (table 1, VOD).</summary>
    private static readonly Dictionary<string, string> KnownDependencies = new(StringComparer.Ordinal)
    {
        ["unified-service"] = "dilas", ["self-checkout"] = "dilas", ["self-service-library"] = "dilas", ["kiosk-24h"] = "dilas", ["library-city"] = "dilas", ["opac"] = "dilas", ["vod"] = "dilas",
    };

    /// <param name="config">The control plane's configuration; null = priorities by the order of the table, dependencies of the paper, a load of 1 each.</param>
    /// <param name="dependencies"><c>SYSTEM=OTHER,…</c>, which go before everything else.</param>
    public static PlannedSystems Of(IReadOnlyList<BackupPolicy> policies, SiloPlan? config, IReadOnlyList<string> dependencies, IReadOnlyList<string> priorities, IReadOnlyList<string> loads, IReadOnlyList<string>? homes = null)
    {
        var systems = policies.SelectMany((p, line) => p.Systems.Select(s => (System: s, Policy: p, Line: line))).DistinctBy(x => x.System).ToArray();
        var known = systems.Select(x => x.System).ToHashSet();
        var settings = config?.Systems.ToDictionary(s => s.Id) ?? [];
        var depends = Pairs(dependencies, "--depends", known, value => (IReadOnlyList<SystemId>)[.. value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(v => Known(v, "--depends", known))]);
        var priority = Pairs(priorities, "--priority", known, value => int.TryParse(value, CultureInfo.InvariantCulture, out var n) ? n : throw new UsageException($"--priority: '{value}' is not a whole number.", "Smaller goes first: --priority dilas=1."));
        var load = Pairs(loads, "--load", known, value => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out var n) && n >= 0 ? n : throw new UsageException($"--load: '{value}' is not a load.", "Write a number in the units of --capacity: --load dilas=4."));
        var home = Pairs(homes ?? [], "--home", known, SiteOf);
        return new PlannedSystems
        {
            Homes = systems.ToDictionary(x => x.System, x => home.TryGetValue(x.System, out var h) ? h : settings.TryGetValue(x.System, out var s) && s.Home == Places.BackupSite ? s.Home : Places.ProductionSite),
            Policies = [.. systems.Select(x => x.Policy with
            {
                Systems = [x.System],
                ChangeGigabytesPerDay = x.Policy.ChangeGigabytesPerDay / x.Policy.Systems.Count,
                Takeover = settings.TryGetValue(x.System, out var s) ? s.Class : x.Policy.Takeover,
                Approval = settings.TryGetValue(x.System, out var a) ? a.Approval : x.Policy.Approval,
            })],
            Members = [.. systems.Select(x => new SiteMember
            {
                System = x.System,
                Priority = priority.TryGetValue(x.System, out var p) ? p : settings.TryGetValue(x.System, out var s) ? s.Priority : (x.Line + 1) * Step,
                DependsOn = depends.TryGetValue(x.System, out var d) ? d
                    : settings.TryGetValue(x.System, out var t) ? t.DependsOn
                    : KnownDependencies.TryGetValue(x.System.Value, out var other) && known.Contains(new SystemId(other)) ? [new SystemId(other)] : [],
                Load = load.TryGetValue(x.System, out var l) ? l : settings.TryGetValue(x.System, out var u) ? u.Load : 1,
            })],
            Assumptions = config is not null ? [] :
            [
                "Priorities: the order of the policies' lines (--priority SYSTEM=N or --config say otherwise).",
                "Dependencies: the paper's clients of the library system wait for it (--depends SYSTEM=OTHER,… or --config say otherwise).",
                "Loads: 1 each (--load SYSTEM=N or --config say otherwise).",
                $"Every system has its home at {Places.ProductionSite} (--home SYSTEM=SITE or --config say otherwise).",
            ],
        };
    }

    private static SiteId SiteOf(string text) => text == Places.ProductionSite.Value ? Places.ProductionSite : text == Places.BackupSite.Value ? Places.BackupSite
        : throw new UsageException($"--home: there is no site '{text}'.", $"There are {Places.ProductionSite} and {Places.BackupSite}.");

    private static Dictionary<SystemId, T> Pairs<T>(IReadOnlyList<string> texts, string option, HashSet<SystemId> known, Func<string, T> parse)
    {
        var pairs = new Dictionary<SystemId, T>();
        foreach (var text in texts)
        {
            var at = text.IndexOf('=', StringComparison.Ordinal);
            if (at < 1)
            {
                throw new UsageException($"{option}: '{text}' is not SYSTEM=VALUE.", $"For example {option} dilas=1.");
            }

            pairs[Known(text[..at], option, known)] = parse(text[(at + 1)..]);
        }

        return pairs;
    }

    private static SystemId Known(string text, string option, HashSet<SystemId> known) => known.FirstOrDefault(s => s.Value == text) is { Value: not null } id
        ? id
        : throw new UsageException($"{option}: no policy has a system '{text}'.", $"There are {string.Join(", ", known.Select(k => k.Value).Order(StringComparer.Ordinal))}.");
}
