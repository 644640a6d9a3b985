using System.Text.Json.Serialization;
using Dr.Contracts.Policy;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>Both years side by side; everything that any report shows. Same seed, same bytes.</summary>
internal sealed record ReplayResult
{
    public required ulong Seed { get; init; }

    public required DateOnly First { get; init; }

    public required DateOnly Last { get; init; }

    public required int OpeningDays { get; init; }

    public required double OpeningHoursPerDay { get; init; }

    /// <summary>The shortest stop that the source counts as a whole day: from here on a stop counts as a day after, too.</summary>
    public required double DayCountsFromMinutes { get; init; }

    /// <summary>How the threshold weighs: stops after that were noticed at all, of a minute and more, and of the shortest counted day and more.</summary>
    public string StopsAfter => string.Create(CultureInfo.InvariantCulture,
        $"After, {Incidents.Count(i => i.MinutesAfter > 0)} of {Incidents.Count} faults were noticed in opening hours at all, {Incidents.Count(i => i.MinutesAfter >= 1)} for a minute or more, {Incidents.Count(i => i.MinutesAfter >= DayCountsFromMinutes)} for {DayCountsFromMinutes:0} minutes or more.");

    public required IReadOnlyList<SystemResult> Systems { get; init; }

    public required IReadOnlyList<KindTotal> Totals { get; init; }

    public required IReadOnlyList<IncidentResult> Incidents { get; init; }

    public required IReadOnlyList<Finding> Oddities { get; init; }

    /// <summary>Faults that a second site cannot help with.</summary>
    [JsonIgnore]
    public IEnumerable<IncidentResult> NotHelped => Incidents.Where(i => i.WhyNotHelped is not null);

    public required IReadOnlyList<string> Violations { get; init; }

    public required long Events { get; init; }

    public required long Beats { get; init; }

    public required long Transitions { get; init; }

    public static ReplayResult Of(
        FaultYear year, (DateOnly First, DateOnly Last) survey, OpeningCalendar calendar, ulong seed, IReadOnlyList<Incident> before, IReadOnlyList<Incident> after, ReplayWorld world)
    {
        var days = calendar.OpenDays(survey.First, survey.Last);
        var shortest = before.Select(i => i.Breakage.Lasts).OfType<TimeSpan>().DefaultIfEmpty(TimeSpan.FromMinutes(5)).Min();
        var incidents = before.Zip(after).Select(pair => IncidentResult.Of(pair.First, pair.Second)).ToArray();
        var systems = year.Log.Select(f => f.System).Distinct()
            .Select(id => SystemResult.Of(id, year, incidents.Where(i => i.System == id).ToArray(), days, shortest.TotalMinutes))
            .ToArray();
        return new ReplayResult
        {
            Seed = seed,
            First = survey.First,
            Last = survey.Last,
            OpeningDays = days,
            OpeningHoursPerDay = calendar.OpenPerDay.TotalHours,
            DayCountsFromMinutes = shortest.TotalMinutes,
            Systems = systems,
            Totals = KindTotal.Of(systems, days, year.Summary.Count > 0),
            Incidents = incidents,
            Oddities = Replay.Oddities.Find(year, survey, calendar, systems, days),
            Violations = world.Violations,
            Events = world.Events,
            Beats = world.Beats,
            Transitions = world.Transitions,
        };
    }
}

/// <summary>One fault in both years.</summary>
internal sealed record IncidentResult
{
    public required SystemId System { get; init; }

    public required string Name { get; init; }

    public required SystemKind Kind { get; init; }

    public required int LogLine { get; init; }

    public required DateTimeOffset Strike { get; init; }

    public required bool DateDrawn { get; init; }

    public required string Symptom { get; init; }

    public required string FaultTypes { get; init; }

    public required string Broke { get; init; }

    public required double MinutesBefore { get; init; }

    public required double MinutesAfter { get; init; }

    public required Remedy Remedy { get; init; }

    public double? DetectionSeconds { get; init; }

    /// <summary>Until the last business system that could be helped served again; null when only people could help.</summary>
    public double? RtoSeconds { get; init; }

    public double? RpoSeconds { get; init; }

    public required int BusinessSystemsHit { get; init; }

    public required int PeopleAsked { get; init; }

    public Finding? WhyNotHelped { get; init; }

    public FirstSign? DetectedBy { get; init; }

    /// <summary>As it was.</summary>
    public required IReadOnlyList<StoryLine> StoryBefore { get; init; }

    /// <summary>With the system.</summary>
    public required IReadOnlyList<StoryLine> Story { get; init; }

    public required string NameZh { get; init; }

    public required string SymptomZh { get; init; }

    public static IncidentResult Of(Incident before, Incident after)
    {
        var fault = after.Fault;
        return new IncidentResult
        {
            System = fault.System,
            Name = fault.Name,
            Kind = fault.Kind,
            LogLine = fault.Line,
            Strike = after.Strike,
            DateDrawn = after.DateDrawn,
            Symptom = fault.Symptom,
            FaultTypes = string.Join('|', fault.FaultTypes),
            Broke = after.Breakage.ToString(),
            MinutesBefore = Minutes(before, fault),
            MinutesAfter = Minutes(after, fault),
            Remedy = after.Remedy,
            DetectionSeconds = (after.DetectedAt - after.Strike)?.TotalSeconds,
            RtoSeconds = after.Recovery?.TotalSeconds,
            RpoSeconds = after.Remedy is Remedy.PeopleOnly or Remedy.None ? null : (after.DataLost ?? TimeSpan.Zero).TotalSeconds,
            BusinessSystemsHit = after.Lost.Count,
            PeopleAsked = after.PeopleAsked,
            WhyNotHelped = Why(after),
            StoryBefore = before.Story,
            Story = after.Story,
            DetectedBy = after.DetectedBy,
            NameZh = fault.NameZh,
            SymptomZh = fault.SymptomZh,
        };
    }

    /// <summary>A system's own fault counts for that system; an equipment fault for the business system it hits worst.</summary>
    private static double Minutes(Incident incident, FaultEntry fault) =>
        (fault.Kind == SystemKind.Equipment ? incident.WorstLoss : incident.Lost.GetValueOrDefault(fault.System)).TotalMinutes;

    private static Finding? Why(Incident incident) => incident switch
    {
        { WorstLoss.Ticks: 0 } => null,
        { NoPolicy: true } => new Finding("why.no-policy"),
        { UsersCutOffFromBothSites: true, Breakage.Part: { } part } => new Finding("why.cut-off", new Finding(Places.TextOf(part))),
        { Remedy: Remedy.PeopleOnly } => new Finding("why.nothing"),
        _ => null,
    };
}

/// <summary>One business system (or piece of equipment) in both years.</summary>
internal sealed record SystemResult
{
    public required SystemId System { get; init; }

    public required string Name { get; init; }

    public required string NameZh { get; init; }

    public required SystemKind Kind { get; init; }

    public required string? Policy { get; init; }

    /// <summary>Lines of the log, and distinct dates in them.</summary>
    public required int Rows { get; init; }

    public required int DistinctDates { get; init; }

    /// <summary>As the source counts; lines of the log where the source prints no sum.</summary>
    public required int DaysBefore { get; init; }

    public required double? RatePrintedPercent { get; init; }

    public required double RateBeforePercent { get; init; }

    public required double MinutesBefore { get; init; }

    public required double MinutesAfter { get; init; }

    /// <summary>Days with a stop at least as long as the shortest that the source counts as a day.</summary>
    public required int DaysAfter { get; init; }

    public required double RateAfterPercent { get; init; }

    /// <summary>Share of opening time lost after.</summary>
    public required double TimeLostAfterPercent { get; init; }

    public required double? PromiseBelowPercent { get; init; }

    /// <summary>Null without a promise.</summary>
    public bool? PromiseKept => PromiseBelowPercent is { } promise ? RateAfterPercent < promise : null;

    public double? WorstDetectionSeconds { get; init; }

    public double? WorstRtoSeconds { get; init; }

    public double? WorstRpoSeconds { get; init; }

    public static SystemResult Of(SystemId id, FaultYear year, IReadOnlyList<IncidentResult> incidents, int openingDays, double dayFromMinutes)
    {
        var rows = year.Log.Where(f => f.System == id).ToArray();
        var printed = year.Summary.FirstOrDefault(s => s.System == id);
        var policy = year.Policies.FirstOrDefault(p => p.Systems.Contains(id));
        var counted = printed?.Days ?? rows.Length;
        var daysAfter = incidents.Where(i => i.MinutesAfter >= dayFromMinutes).Select(i => i.Strike.Date).Distinct().Count();
        var minutesAfter = incidents.Sum(i => i.MinutesAfter);
        return new SystemResult
        {
            System = id,
            Name = rows[0].Name,
            NameZh = rows[0].NameZh,
            Kind = rows[0].Kind,
            Policy = policy?.Name,
            Rows = rows.Length,
            DistinctDates = rows.Select(r => r.Date).Distinct().Count(),
            DaysBefore = counted,
            RatePrintedPercent = printed?.RatePercent,
            RateBeforePercent = 100.0 * counted / openingDays,
            MinutesBefore = incidents.Sum(i => i.MinutesBefore),
            MinutesAfter = minutesAfter,
            DaysAfter = daysAfter,
            RateAfterPercent = 100.0 * daysAfter / openingDays,
            TimeLostAfterPercent = 100.0 * minutesAfter / (openingDays * OpeningCalendar.Default.OpenPerDay.TotalMinutes),
            PromiseBelowPercent = policy?.Targets.FaultRateBelowPercent,
            WorstDetectionSeconds = incidents.Max(i => i.DetectionSeconds),
            WorstRtoSeconds = incidents.Max(i => i.RtoSeconds),
            WorstRpoSeconds = incidents.Max(i => i.RpoSeconds),
        };
    }
}

/// <summary>A kind's sum; the last one is all of them.</summary>
internal sealed record KindTotal(string Kind, int DaysBefore, double RateBeforePercent, double? RatePrintedPercent, double MinutesBefore, int DaysAfter, double RateAfterPercent, double MinutesAfter)
{
    /// <summary>What the source prints under table 1.</summary>
    private static readonly Dictionary<string, double> Printed = new(StringComparer.Ordinal) { [nameof(SystemKind.RealTime)] = 15.4, [nameof(SystemKind.Archive)] = 5, [nameof(SystemKind.Equipment)] = 1.6, ["All"] = 22 };

    public static IReadOnlyList<KindTotal> Of(IReadOnlyCollection<SystemResult> systems, int openingDays, bool paper) =>
    [
        .. Enum.GetValues<SystemKind>().Select(kind => Sum(kind.ToString(), systems.Where(s => s.Kind == kind).ToArray(), openingDays, paper)),
        Sum("All", systems, openingDays, paper),
    ];

    private static KindTotal Sum(string kind, IReadOnlyCollection<SystemResult> systems, int openingDays, bool paper) => new(
        kind,
        systems.Sum(s => s.DaysBefore),
        100.0 * systems.Sum(s => s.DaysBefore) / openingDays,
        paper ? Printed[kind] : null,
        systems.Sum(s => s.MinutesBefore),
        systems.Sum(s => s.DaysAfter),
        100.0 * systems.Sum(s => s.DaysAfter) / openingDays,
        systems.Sum(s => s.MinutesAfter));
}
