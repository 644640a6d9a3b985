using Dr.Contracts.Cli;
using Dr.Contracts.Grains;
using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

/// <summary>
/// Makes policies of the table <c>backup-policies.csv</c>. Beside the columns that the table must have it may have those of <see cref="MoreColumns"/>; what a table does not say stays as
/// the policy of that name has it, or is the default.
/// </summary>
public static class PolicyCsv
{
    public static readonly IReadOnlyList<string> Columns =
    [
        "group", "system_ids", "kind", "full_every", "incremental_every", "differential_every", "application_every", "network", "link_mbps", "link_shared",
        "servers", "disk_tb", "tape_tb", "expected_fault_rate_below_percent",
    ];

    public static readonly IReadOnlyList<string> MoreColumns =
    [
        "takeover", "approval", "rpo", "rto", "loss_limit", "copy_mode", "change_gb_per_day", "points_every", "points_kept", "keep", "keep_manual", "fine_window", "when_full", "quiesce",
        "drill_small", "drill_large", "calendar",
    ];

    private const string Never = "never";

    /// <summary>The paper's figure for the integrated library system; the other systems' is in proportion to their kind (<see cref="ChangeOf"/>).</summary>
    private const double DilasGigabytesPerDay = 2;

    /// <summary>Parses the table; the set is checked as a whole and refused with every reason when it does not fit together.</summary>
    public static IReadOnlyList<BackupPolicy> Parse(TextReader text, string file)
    {
        var policies = Read(text, file, []);
        var reasons = PolicyRules.CheckAll(policies, [], _ => new PolicyTimers());
        if (reasons.Count > 0)
        {
            throw new DrException($"{file}: the policies do not fit together: {string.Join(" ", reasons)}", "Change the periods, the bandwidth or the targets named; nothing was taken over from the file.");
        }

        return policies;
    }

    /// <summary>Parses the table over the policies that are there; what does not fit together is not looked at.</summary>
    public static IReadOnlyList<BackupPolicy> Read(TextReader text, string file, IReadOnlyCollection<BackupPolicy> present)
    {
        ArgumentNullException.ThrowIfNull(present);
        var table = CsvTable.Read(text, file, Columns);
        if (table.Lines.Count == 0)
        {
            throw new DrException($"{file}: the table has no policies.", "Write one line per group of systems below the line that names the columns.");
        }

        return [.. table.Lines.Select(line => Policy(line, present.FirstOrDefault(p => p.Name == line["group"])))];
    }

    /// <summary>The policies as a table with every column; <see cref="Read"/> gives the same policies again.</summary>
    public static string Write(IReadOnlyList<BackupPolicy> policies)
    {
        ArgumentNullException.ThrowIfNull(policies);
        return string.Concat(new[] { string.Join(',', Columns.Concat(MoreColumns)) }.Concat(policies.Select(p => string.Join(',', Fields(p).Select(Quoted)))).Select(line => line + "\n"));
    }

    private static IEnumerable<string?> Fields(BackupPolicy p) =>
    [
        p.Name, string.Join(';', p.Systems.Select(s => s.Value)), p.Kind == BusinessKind.RealTime ? "realtime" : "archive",
        Span(p.Periods.Full), Span(p.Periods.Incremental), Span(p.Periods.Differential), Span(p.Periods.Application),
        p.Bandwidth.Network, Number(p.Bandwidth.Mbps), p.Bandwidth.Shared ? "yes" : "no", p.Servers, Number(p.DiskTerabytes), p.TapeTerabytes == 0 ? null : Number(p.TapeTerabytes), Number(p.Targets.FaultRateBelowPercent),
        p.Takeover?.ToString(), p.Approval?.ToString().ToLowerInvariant(), Span(p.Targets.Rpo), Span(p.Targets.Rto), Span(p.LossLimit), p.CopyMode?.ToString().ToLowerInvariant(), Number(p.ChangeGigabytesPerDay),
        p.PointPeriod == TimeSpan.Zero ? RetentionText.Off : Span(p.PointPeriod), Number(p.PointsKept), p.Retention.Keep is { } keep ? RetentionText.Tiers(keep) : null,
        p.Retention.KeepManual == TimeSpan.Zero ? RetentionText.Forever : Span(p.Retention.KeepManual), Span(p.Retention.FineWindow),
        p.Retention.HistoryGivesWay switch { true => "history-gives-way", false => "refuse", null => null }, p.Quiesce,
        TimeText(p.Drills.SmallAt), TimeText(p.Drills.LargeAt), p.Calendar,
    ];

    private static string Quoted(string? field) => field is null ? "" : field.AsSpan().IndexOfAny(",\"\r\n") < 0 ? field : $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string? Span(TimeSpan? span) => span is { } s ? RetentionText.Span(s) : null;

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string TimeText(TimeOnly? time) => time?.ToString("HH:mm", CultureInfo.InvariantCulture) ?? Never;

    private static BackupPolicy Policy(CsvLine line, BackupPolicy? present)
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
        var was = present ?? new BackupPolicy
        {
            Name = line.Required("group"),
            Systems = systems,
            Kind = kind,
            Periods = new PolicyPeriods(),
            Bandwidth = new BandwidthClass(line.Required("network"), 0, shared),
            Targets = new PolicyTargets(),
            ChangeGigabytesPerDay = ChangeOf(systems, kind),
        };
        return was with
        {
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
            Targets = new PolicyTargets
            {
                Rpo = line.OptionalValue("rpo", Quantities.ParseDuration) ?? was.Targets.Rpo,
                Rto = line.OptionalValue("rto", Quantities.ParseDuration) ?? was.Targets.Rto,
                FaultRateBelowPercent = line.Positive("expected_fault_rate_below_percent", "Write the per cent, for example 1."),
            },
            Servers = line["servers"],
            DiskTerabytes = line.Number0("disk_tb", "Write the terabytes, for example 5."),
            TapeTerabytes = line.Number0("tape_tb", "Write the terabytes, or leave it empty."),
            CopyMode = line.OptionalValue("copy_mode", Choice<CopyMode>) ?? was.CopyMode,
            ChangeGigabytesPerDay = line.Optional("change_gb_per_day") is null ? was.ChangeGigabytesPerDay : line.Positive("change_gb_per_day", "Write the gigabytes, for example 2."),
            PointPeriod = line.OptionalValue("points_every", (text, where) => RetentionText.ParseSpan(text, RetentionText.Off, where)) ?? was.PointPeriod,
            PointsKept = line.Optional("points_kept") is null ? was.PointsKept : line.Count("points_kept", "Write a number from 1 to 255."),
            Takeover = line.OptionalValue("takeover", Choice<TakeoverClass>) ?? was.Takeover,
            Approval = line.OptionalValue("approval", Choice<ApprovalMode>) ?? was.Approval,
            LossLimit = line.OptionalValue("loss_limit", Quantities.ParseDuration) ?? was.LossLimit,
            Quiesce = line.Optional("quiesce") ?? was.Quiesce,
            Calendar = line.Optional("calendar") ?? was.Calendar,
            Retention = new RetentionRules
            {
                Keep = line.Optional("keep", RetentionText.ParseTiers) ?? was.Retention.Keep,
                KeepManual = line.OptionalValue("keep_manual", (text, where) => RetentionText.ParseSpan(text, RetentionText.Forever, where)) ?? was.Retention.KeepManual,
                FineWindow = line.OptionalValue("fine_window", Quantities.ParseDuration) ?? was.Retention.FineWindow,
                HistoryGivesWay = line.OptionalValue("when_full", GivesWay) ?? was.Retention.HistoryGivesWay,
            },
            Drills = new DrillSchedule
            {
                SmallAt = Drill(line, "drill_small", was.Drills.SmallAt),
                LargeAt = Drill(line, "drill_large", was.Drills.LargeAt),
            },
        };
    }

    private static T Choice<T>(string text, string where)
        where T : struct, Enum => Enum.TryParse<T>(text, ignoreCase: true, out var value) && !char.IsDigit(text[0])
        ? value
        : throw new DrException($"'{text}' is not known", $"Write one of {string.Join(", ", Enum.GetNames<T>())}.");

    private static bool GivesWay(string text, string where) => text switch
    {
        "refuse" => false,
        "history-gives-way" => true,
        _ => throw new DrException($"'{text}' is not known", "Write refuse or history-gives-way."),
    };

    private static TimeOnly? Drill(CsvLine line, string column, TimeOnly? present) =>
        line.Optional(column) switch { null => present, Never => null, _ => line.OptionalValue(column, TimeOf) };

    private static TimeOnly TimeOf(string text, string where) => TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
        ? time
        : throw new DrException($"'{text}' is no time of day", "Write hours and minutes, for example 04:00, or never.");

    /// <summary>Only one figure is on record: 2 GB a day for the integrated library system. The others are assumed far below it: real-time 0.4 GB, archive 0.2 GB each.</summary>
    private static double ChangeOf(IReadOnlyCollection<SystemId> systems, BusinessKind kind) =>
        systems.Sum(s => s.Value == "dilas" ? DilasGigabytesPerDay : kind == BusinessKind.RealTime ? 0.4 : 0.2);
}
