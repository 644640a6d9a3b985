using Dr.Contracts.Policy;

namespace Dr.Simulator.Replay;

/// <summary>What does not add up in the source. Found by looking, so that another log gets its own list; nothing is smoothed.</summary>
internal static class Oddities
{
    public static IReadOnlyList<string> Find(FaultYear year, (DateOnly First, DateOnly Last) survey, OpeningCalendar calendar, IReadOnlyList<SystemResult> systems, int openingDays)
    {
        List<string> found = [];
        found.AddRange(year.Log.Where(f => f.Date is not null).GroupBy(f => (f.System, f.Date)).Where(g => g.Count() > 1)
            .Select(g => $"{g.Key.System} prints {g.Key.Date:yyyy-MM-dd} {g.Count()} times (lines {string.Join(", ", g.Select(f => f.Line))})."));
        found.AddRange(systems.Where(s => s.RatePrintedPercent is not null && s.DaysBefore != s.DistinctDates)
            .Select(s => $"{s.System} counts {s.DaysBefore} days; its lines give {s.Rows}, on {s.DistinctDates} distinct dates."));
        found.AddRange(year.Log.Where(f => f.Date is { } d && (d < survey.First || d > survey.Last))
            .Select(f => $"{f.System} prints {f.DateAsPrinted} (line {f.Line}), outside the year {survey.First:yyyy-MM-dd} to {survey.Last:yyyy-MM-dd}; it is counted all the same."));
        found.AddRange(year.Log.Where(f => f.Date is { } d && !calendar.IsOpenDay(d))
            .Select(f => $"{f.System} counts {f.Date:yyyy-MM-dd} (line {f.Line}), a {f.Date!.Value.DayOfWeek}: the library is closed that day."));
        if (year.Log.Count(f => f.Date is null) is var undated and > 0)
        {
            found.Add($"{undated} equipment faults have no date; the seed draws an opening day for each.");
        }

        found.AddRange(year.Log.Where(f => f.Note.Contains("five minutes", StringComparison.Ordinal))
            .Select(f => $"{f.System} counts as one day; the text says that it lasted five minutes."));
        found.AddRange(systems.Where(s => s.RatePrintedPercent is { } printed && Math.Abs(printed - s.RateBeforePercent) >= 0.05).GroupBy(s => (s.DaysBefore, s.RatePrintedPercent))
            .Select(g => $"{g.Key.DaysBefore} of {openingDays} days is {g.First().RateBeforePercent:F1} %, printed as {g.Key.RatePrintedPercent:0.#} % ({string.Join(", ", g.Select(s => s.System))})."));
        found.AddRange(KindTotal.Of(systems, openingDays, year.Summary.Count > 0).Where(t => t.RatePrintedPercent is { } printed && Math.Abs(printed - t.RateBeforePercent) >= 0.1)
            .Select(t => $"{t.Kind}: {t.DaysBefore} of {openingDays} days is {t.RateBeforePercent:F1} %, printed as {t.RatePrintedPercent:0.#} %."));

        var inLog = year.Log.Where(f => f.Kind != SystemKind.Equipment).Select(f => f.System).ToHashSet();
        var inPolicies = year.Policies.SelectMany(p => p.Systems).ToHashSet();
        found.AddRange(inLog.Except(inPolicies).Select(id => $"{id} has faults in table 1 but no policy in table 2: nothing protects it."));
        if (inPolicies.Except(inLog).ToArray() is { Length: > 0 } unseen)
        {
            found.Add($"Table 2 has systems that table 1 has not: {string.Join(", ", unseen)}.");
        }

        found.AddRange(year.Log.Where(f => f.Kind != SystemKind.Equipment).GroupBy(f => f.System)
            .Select(g => (g.Key, Log: g.First().Kind, Policy: year.Policies.FirstOrDefault(p => p.Systems.Contains(g.Key))))
            .Where(x => x.Policy is not null && (x.Policy.Kind == BusinessKind.RealTime) != (x.Log == SystemKind.RealTime))
            .Select(x => $"{x.Key} is {x.Log} in table 1 and {x.Policy!.Kind} in table 2."));
        return found;
    }
}
