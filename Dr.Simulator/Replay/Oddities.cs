using Dr.Contracts.Policy;

namespace Dr.Simulator.Replay;

/// <summary>What does not add up in the source. Found by looking, so that another log gets its own list; nothing is smoothed.</summary>
internal static class Oddities
{
    public static IReadOnlyList<Finding> Find(FaultYear year, (DateOnly First, DateOnly Last) survey, OpeningCalendar calendar, IReadOnlyList<SystemResult> systems, int openingDays)
    {
        List<Finding> found = [];
        found.AddRange(year.Log.Where(f => f.Date is not null).GroupBy(f => (f.System, f.Date)).Where(g => g.Count() > 1)
            .Select(g => new Finding("odd.twice", g.Key.System, Day(g.Key.Date!.Value), g.Count(), g.Select(f => Number(f.Line)))));
        found.AddRange(systems.Where(s => s.RatePrintedPercent is not null && s.DaysBefore != s.DistinctDates)
            .Select(s => new Finding("odd.counted", s.System, s.DaysBefore, s.Rows, s.DistinctDates)));
        found.AddRange(year.Log.Where(f => f.Date is { } d && (d < survey.First || d > survey.Last))
            .Select(f => new Finding("odd.outside", f.System, f.DateAsPrinted, f.Line, Day(survey.First), Day(survey.Last))));
        found.AddRange(year.Log.Where(f => f.Date is { } d && !calendar.IsOpenDay(d))
            .Select(f => new Finding(f.Date!.Value.DayOfWeek == DayOfWeek.Monday ? "odd.closed" : "odd.closed.other", f.System, Day(f.Date.Value), f.Line)));
        if (year.Log.Count(f => f.Date is null) is var undated and > 0)
        {
            found.Add(new Finding("odd.undated", undated));
        }

        found.AddRange(year.Log.Where(f => f.Note.Contains("five minutes", StringComparison.Ordinal)).Select(f => new Finding("odd.minutes", f.System)));
        found.AddRange(systems.Where(s => s.RatePrintedPercent is { } printed && Math.Abs(printed - s.RateBeforePercent) >= 0.05).GroupBy(s => (s.DaysBefore, s.RatePrintedPercent))
            .Select(g => new Finding("odd.rate", g.Key.DaysBefore, openingDays, Rate(g.First().RateBeforePercent), Printed(g.Key.RatePrintedPercent!.Value), g.Select(s => s.System.Value))));
        found.AddRange(KindTotal.Of(systems, openingDays, year.Summary.Count > 0).Where(t => t.RatePrintedPercent is { } printed && Math.Abs(printed - t.RateBeforePercent) >= 0.1)
            .Select(t => new Finding("odd.kind", new Finding($"kind.{t.Kind}"), t.DaysBefore, openingDays, Rate(t.RateBeforePercent), Printed(t.RatePrintedPercent!.Value))));

        var inLog = year.Log.Where(f => f.Kind != SystemKind.Equipment).Select(f => f.System).ToHashSet();
        var inPolicies = year.Policies.SelectMany(p => p.Systems).ToHashSet();
        found.AddRange(inLog.Except(inPolicies).Select(id => new Finding("odd.no-policy", id)));
        if (inPolicies.Except(inLog).ToArray() is { Length: > 0 } unseen)
        {
            found.Add(new Finding("odd.unseen", unseen.Select(id => id.Value)));
        }

        found.AddRange(year.Log.Where(f => f.Kind != SystemKind.Equipment).GroupBy(f => f.System)
            .Select(g => (g.Key, Log: g.First().Kind, Policy: year.Policies.FirstOrDefault(p => p.Systems.Contains(g.Key))))
            .Where(x => x.Policy is not null && (x.Policy.Kind == BusinessKind.RealTime) != (x.Log == SystemKind.RealTime))
            .Select(x => new Finding("odd.other-kind", x.Key, x.Log, x.Policy!.Kind == BusinessKind.RealTime ? SystemKind.RealTime : SystemKind.Archive)));
        return found;
    }

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Rate(double percent) => percent.ToString("F1", CultureInfo.InvariantCulture);

    private static string Printed(double percent) => percent.ToString("0.#", CultureInfo.InvariantCulture);
}
