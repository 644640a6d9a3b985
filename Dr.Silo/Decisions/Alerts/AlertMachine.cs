namespace Dr.Silo.Decisions.Alerts;

/// <summary>
/// From values to alerts. Pure: the same board, samples and time give the same step, whatever the order of the samples.
/// <list type="bullet">
/// <item>A level is reached when its threshold was exceeded without a break for its time, and left when the value was clearly below it for a while.</item>
/// <item>Of what explains each other one alert stands for all, at the worst level among them; the others are shown under it and told to nobody.</item>
/// <item>Acknowledging and silencing stop the telling, never the following; both have an end. What gets worse than it was acknowledged at is told again.</item>
/// </list>
/// </summary>
public static class AlertMachine
{
    /// <summary>Takes one round of samples. Who is not among them is calm, unless <paramref name="unread"/> says that its subject could not be looked at: that changes nothing.</summary>
    public static AlertStep Step(AlertBoard board, IReadOnlyList<AlertSample> samples, DateTimeOffset now, Func<string, bool>? unread = null)
    {
        ArgumentNullException.ThrowIfNull(board);
        ArgumentNullException.ThrowIfNull(samples);
        var byKey = samples.GroupBy(s => s.Key, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.MaxBy(s => (s.Value, s.Text))!, StringComparer.Ordinal);
        var next = new SortedDictionary<string, AlertState>(StringComparer.Ordinal);
        foreach (var key in board.Alerts.Keys.Union(byKey.Keys, StringComparer.Ordinal))
        {
            var before = board.Alerts.GetValueOrDefault(key);
            var sample = byKey.GetValueOrDefault(key);
            if (before is not null && sample is null && unread?.Invoke(before.Subject) == true)
            {
                next[key] = before;
                continue;
            }

            var after = Follow(before, sample, now);
            if (after.IsFiring || after.WarningSince is not null || after.CriticalSince is not null)
            {
                next[key] = after;
            }
        }

        Group(next);
        var silences = board.Silences.RemoveAll(s => now >= s.Until);
        var notices = Tell(board, next, silences, now);
        return new AlertStep(board with { Alerts = board.Alerts.Clear().AddRange(next), Silences = silences }, notices);
    }

    public static AlertBoard Acknowledge(AlertBoard board, string key, string by, string reason, DateTimeOffset until, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(board);
        return board.Alerts.TryGetValue(key, out var alert) && alert.IsFiring
            ? board with { Alerts = board.Alerts.SetItem(key, alert with { Acknowledged = new AlertQuiet(by, now, until, reason, alert.GroupLevel) }) }
            : board;
    }

    private static AlertState Follow(AlertState? before, AlertSample? sample, DateTimeOffset now)
    {
        var state = before ?? new AlertState { Kind = sample!.Kind, Subject = sample.Subject };
        var rule = AlertRules.Of(state.Kind);
        var value = sample?.Value ?? 0;
        var warning = Since(value > rule.Warning, state.WarningSince, sample?.Since, now);
        var critical = Since(value > rule.Critical, state.CriticalSince, sample?.Since, now);
        var reached = critical is { } c && now - c >= rule.CriticalFor ? AlertLevel.Critical
            : warning is { } w && now - w >= rule.WarningFor ? AlertLevel.Warning
            : AlertLevel.None;
        var level = reached;
        DateTimeOffset? calm = null;
        if (reached < state.Level)
        {
            // Not calm enough yet for which level?
            var held = value > rule.Critical * AlertRule.ClearRatio ? AlertLevel.Critical : value > rule.Warning * AlertRule.ClearRatio ? AlertLevel.Warning : AlertLevel.None;
            level = state.Level;
            if (held < state.Level)
            {
                calm = state.CalmSince ?? now;
                if (now - calm >= rule.ClearFor)
                {
                    level = held > reached ? held : reached;
                    calm = null;
                }
            }
        }

        return state with
        {
            Level = level,
            WarningSince = warning,
            CriticalSince = critical,
            CalmSince = calm,
            RaisedAt = level == AlertLevel.None ? null : state.RaisedAt ?? now,
            Value = value,
            Text = sample?.Text ?? state.Text,
            Causes = sample?.Causes ?? state.Causes,
            Acknowledged = level == AlertLevel.None ? null : state.Acknowledged,
        };
    }

    private static DateTimeOffset? Since(bool holds, DateTimeOffset? before, DateTimeOffset? known, DateTimeOffset now)
    {
        if (!holds)
        {
            return null;
        }

        // A clock that is ahead must not make a time of the future.
        var since = before ?? (known < now ? known.Value : now);
        return since < now ? since : now;
    }

    /// <summary>Folds each alert into the earliest of its causes that fires, all the way up, and gives each root the worst level of its group.</summary>
    private static void Group(SortedDictionary<string, AlertState> alerts)
    {
        var worst = new Dictionary<string, AlertLevel>(StringComparer.Ordinal);
        foreach (var (key, alert) in alerts.ToList())
        {
            var cause = alert.IsFiring ? CauseOf(alert, alerts) : null;
            alerts[key] = alert with { Cause = cause };
            var root = cause ?? key;
            worst[root] = worst.TryGetValue(root, out var level) && level > alert.Level ? level : alert.Level;
        }

        foreach (var (key, alert) in alerts.ToList())
        {
            alerts[key] = alert with { GroupLevel = alert.Cause is null ? worst.GetValueOrDefault(key, alert.Level) : alert.Level };
        }
    }

    private static string? CauseOf(AlertState alert, SortedDictionary<string, AlertState> alerts)
    {
        string? cause = null;
        for (var current = alert; current is not null;)
        {
            // Kinds only ever point to earlier ones, so this ends.
            var kind = current.Kind;
            current = current.Causes.Select(key => alerts.GetValueOrDefault(key)).Where(a => a is { IsFiring: true } && a.Kind < kind).MinBy(a => (a!.Kind, a.Key));
            cause = current?.Key ?? cause;
        }

        return cause;
    }

    private static List<AlertNotice> Tell(AlertBoard board, SortedDictionary<string, AlertState> next, IReadOnlyList<AlertSilence> silences, DateTimeOffset now)
    {
        List<AlertNotice> notices = [];
        foreach (var key in board.Alerts.Keys.Union(next.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var (before, after) = (board.Alerts.GetValueOrDefault(key), next.GetValueOrDefault(key));
            var quiet = after?.Acknowledged ?? before?.Acknowledged;
            if (after is not null && quiet is not null && now >= quiet.Until)
            {
                next[key] = after = after with { Acknowledged = null };
            }

            if (NoticeOf(before, after, quiet, now) is not { } kind || silences.Any(s => s.Covers((after ?? before)!, now)))
            {
                continue;
            }

            var told = after is { IsFiring: true } ? after with { Notices = after.Notices + 1 } : before! with { Notices = before.Notices + 1, Text = after?.Text ?? before.Text };
            if (kind is AlertNoticeKind.Escalated)
            {
                told = told with { Acknowledged = null };
            }

            if (after is { IsFiring: true })
            {
                next[key] = told;
            }

            notices.Add(new AlertNotice($"{told.Id}.{told.Notices}", kind, told, now));
        }

        return notices;
    }

    /// <summary>What there is to tell; <see cref="AlertState.Notices"/> above zero says that somebody was told of it at all.</summary>
    private static AlertNoticeKind? NoticeOf(AlertState? before, AlertState? after, AlertQuiet? quiet, DateTimeOffset now)
    {
        var (was, isNow) = (before is { IsRoot: true }, after is { IsRoot: true });
        if (isNow)
        {
            if (!was || before!.RaisedAt != after!.RaisedAt || after.Notices == 0)
            {
                // Also one that was folded into another which has gone, or silenced until now.
                return quiet is not null && now < quiet.Until && after!.GroupLevel <= quiet.Level ? null : AlertNoticeKind.Raised;
            }

            if (quiet is not null && now < quiet.Until)
            {
                return after.GroupLevel > quiet.Level ? AlertNoticeKind.Escalated : null;
            }

            return after.GroupLevel > before.GroupLevel ? AlertNoticeKind.Escalated
                : quiet is not null ? AlertNoticeKind.Reminded
                : after.GroupLevel < before.GroupLevel ? AlertNoticeKind.Eased
                : null;
        }

        // Over; one that was folded away is not over, and one that nobody was told of does not end for anybody.
        return before is { IsFiring: true, Notices: > 0 } && after is not { IsFiring: true } ? AlertNoticeKind.Cleared : null;
    }
}
