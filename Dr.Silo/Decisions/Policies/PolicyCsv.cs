using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

/// <summary>Makes policies of the table <c>backup-policies.csv</c>.</summary>
public static class PolicyCsv
{
    public static readonly IReadOnlyList<string> Columns =
    [
        "group", "system_ids", "kind", "full_every", "incremental_every", "differential_every", "application_every", "network", "link_mbps", "link_shared",
        "servers", "disk_tb", "tape_tb", "expected_fault_rate_below_percent",
    ];

    /// <summary>The paper's figure for the integrated library system; the other systems' is in proportion to their kind (<see cref="ChangeOf"/>).</summary>
    private const double DilasGigabytesPerDay = 2;

    /// <summary>Parses the table; the set is checked as a whole and refused with every reason when it does not fit together.</summary>
    public static IReadOnlyList<BackupPolicy> Parse(TextReader text, string file)
    {
        var table = CsvTable.Read(text, file, Columns);
        var policies = table.Lines.Select(Policy).ToArray();
        var reasons = PolicyRules.CheckAll(policies, new PolicyTimers());
        if (reasons.Count > 0)
        {
            throw new DrException($"{file}: the policies do not fit together: {string.Join(" ", reasons)}", "Change the periods, the bandwidth or the targets named; nothing was taken over from the file.");
        }

        return policies;
    }

    private static BackupPolicy Policy(CsvLine line)
    {
        var systems = line.Required("system_ids").Split(';').Select(id => Names.IsValid(id)
            ? new SystemId(id)
            : throw line.Bad("system_ids", $"'{id}' is not a system id", "Use letters, digits and hyphens, several separated by semicolons.")).ToArray();
        var kind = line.Required("kind") switch
        {
            "realtime" => BusinessKind.RealTime,
            "archive" => BusinessKind.Archive,
            var other => throw line.Bad("kind", $"'{other}' is not a kind", "Write realtime or archive."),
        };
        var shared = line.Required("link_shared") switch
        {
            "yes" => true,
            "no" => false,
            var other => throw line.Bad("link_shared", $"'{other}' is neither yes nor no", "Write yes or no."),
        };
        return new BackupPolicy
        {
            Name = line.Required("group"),
            Systems = systems,
            Kind = kind,
            Periods = new PolicyPeriods
            {
                Full = line.Period("full_every"),
                Incremental = line.Period("incremental_every"),
                Differential = line.Period("differential_every"),
                Application = line.Period("application_every"),
            },
            Bandwidth = new BandwidthClass(line.Required("network"), line.Positive("link_mbps", "Write the megabits per second."), shared),
            Targets = new PolicyTargets { FaultRateBelowPercent = line.Positive("expected_fault_rate_below_percent", "Write the per cent, for example 1.") },
            Servers = line["servers"],
            DiskTerabytes = line.Number0("disk_tb", "Write the terabytes, for example 5."),
            TapeTerabytes = line.Number0("tape_tb", "Write the terabytes, or leave it empty."),
            ChangeGigabytesPerDay = ChangeOf(systems, kind),
        };
    }

    /// <summary>Only one figure is on record: 2 GB a day for the integrated library system. The others are assumed far below it: real-time 0.4 GB, archive 0.2 GB each.</summary>
    private static double ChangeOf(IReadOnlyCollection<SystemId> systems, BusinessKind kind) =>
        systems.Sum(s => s.Value == "dilas" ? DilasGigabytesPerDay : kind == BusinessKind.RealTime ? 0.4 : 0.2);
}
