using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

/// <summary>Policies and calendars as lines of text: what the audit keeps and what is compared to say what would change.</summary>
public static class PolicyWords
{
    public static IReadOnlyDictionary<string, string?> Of(BackupPolicy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["systems"] = string.Join(' ', policy.Systems.Select(s => s.Value).Order(StringComparer.Ordinal)),
            ["kind"] = policy.Kind.ToString(),
            ["full every"] = Span(policy.Periods.Full),
            ["incremental every"] = Span(policy.Periods.Incremental),
            ["differential every"] = Span(policy.Periods.Differential),
            ["application every"] = Span(policy.Periods.Application),
            ["points every"] = policy.PointPeriod == TimeSpan.Zero ? RetentionText.Off : Span(policy.PointPeriod),
            ["points kept"] = Number(policy.PointsKept),
            ["keep"] = policy.Retention.Keep is { } tiers ? RetentionText.Tiers(tiers) : null,
            ["keep manual"] = policy.Retention.KeepManual is { } manual ? manual == TimeSpan.Zero ? RetentionText.Forever : Span(manual) : null,
            ["fine window"] = Span(policy.Retention.FineWindow),
            ["when full"] = policy.Retention.HistoryGivesWay switch { true => "history-gives-way", false => "refuse", null => null },
            ["copy mode"] = policy.CopyMode?.ToString(),
            ["bandwidth class"] = policy.Bandwidth.Name,
            ["takeover class"] = policy.Takeover?.ToString(),
            ["approval"] = policy.Approval?.ToString(),
            ["RPO"] = Span(policy.Targets.Rpo),
            ["RTO"] = Span(policy.Targets.Rto),
            ["loss limit"] = Span(policy.LossLimit),
            ["fault rate below %"] = Number(policy.Targets.FaultRateBelowPercent),
            ["quiesce"] = policy.Quiesce,
            ["small drill at"] = policy.Drills.SmallAt?.ToString("HH:mm", CultureInfo.InvariantCulture),
            ["large drill at"] = policy.Drills.LargeAt?.ToString("HH:mm", CultureInfo.InvariantCulture),
            ["calendar"] = policy.Calendar,
            ["change a day"] = $"{Number(policy.ChangeGigabytesPerDay)} GB",
            ["servers"] = policy.Servers.Length == 0 ? null : policy.Servers,
            ["disk"] = $"{Number(policy.DiskTerabytes)} TB",
            ["tape"] = $"{Number(policy.TapeTerabytes)} TB",
        };
    }

    public static IReadOnlyDictionary<string, string?> Of(OpeningCalendar calendar)
    {
        ArgumentNullException.ThrowIfNull(calendar);
        var words = new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["time zone"] = calendar.TimeZone,
            ["hours"] = new OpeningHours(calendar.Opens, calendar.Closes).ToString(),
            ["closed on"] = string.Join(' ', calendar.ClosedDays.Order()),
        };
        foreach (var (day, hours) in calendar.Week)
        {
            words[day.ToString()] = hours.ToString();
        }

        foreach (var day in calendar.Days)
        {
            words[day.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)] = $"{day.Hours?.ToString() ?? "closed"}{(day.Name is null ? "" : $" ({day.Name})")}";
        }

        return words;
    }

    private static string? Span(TimeSpan? span) => span is { } s ? RetentionText.Span(s) : null;

    private static string Number(double value) => value.ToString("0.###", CultureInfo.InvariantCulture);
}
