using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Decisions.Policies;

/// <summary>Checks policies as a whole. A bad one is refused with every reason, never repaired by guessing.</summary>
public static class PolicyRules
{
    /// <summary>What an interval and its transfer may use of the RPO; the rest is for one that fails and is done again.</summary>
    public const double RpoShare = 0.4;

    public const int MostPoints = 255;

    /// <summary>What an appliance takes as a rate at least: below it a frame takes minutes.</summary>
    public const double LeastMbps = 0.064;

    /// <summary>Reasons against one policy; empty = good.</summary>
    public static IReadOnlyList<string> Check(BackupPolicy policy, PolicyTimers timers)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(timers);
        List<string> reasons = [];
        void Need(bool holds, string otherwise)
        {
            if (!holds)
            {
                reasons.Add($"Policy {policy.Name}: {otherwise}");
            }
        }

        Need(policy.Systems.Count > 0, "it protects no system.");
        Need(double.IsFinite(policy.Bandwidth.Mbps) && policy.Bandwidth.Mbps >= LeastMbps, $"its bandwidth must be at least {LeastMbps} Mbit/s.");
        Need(policy.Targets.Rpo > TimeSpan.Zero && policy.Targets.Rto > TimeSpan.Zero, "RPO and RTO must be longer than nothing.");
        Need(policy.Targets.FaultRateBelowPercent is > 0 and <= 100, "its fault rate must lie between 0 and 100 per cent.");
        Need(QuiesceMode.IsKnown(policy.Quiesce), $"'{policy.Quiesce}' is no way to quiesce; use none, host, {string.Join(", ", QuiesceMode.Providers)}.");
        Need(policy.LossLimit is not { } limit || limit >= TimeSpan.Zero, "its limit of loss cannot be negative.");
        Need(policy.PointPeriod > TimeSpan.Zero || policy.Periods is not { Full: null, Incremental: null, Differential: null, Application: null }, "no point is ever taken: neither by a period nor by a backup.");
        try
        {
            RetentionLimits.Check(policy.PointPeriod, policy.Retention.Keep, policy.Retention.KeepManual, policy.Retention.FineWindow);
        }
        catch (DrException refusal)
        {
            reasons.Add($"Policy {policy.Name}: {refusal.Message} {refusal.Hint}");
        }

        Need(policy.Bandwidth.Network.Length is > 0 and <= 32 && policy.Bandwidth.Network.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'), $"'{policy.Bandwidth.Network}' is no name of a network: letters, digits, '-', '_' and '.'.");
        Need(policy.PointsKept is >= 1 and <= MostPoints, $"it keeps {policy.PointsKept} points; 1 to {MostPoints} are possible.");
        Need(policy.ChangeGigabytesPerDay >= 0, "its change a day cannot be negative.");
        foreach (var (name, period) in new[] { ("full", policy.Periods.Full), ("incremental", policy.Periods.Incremental), ("differential", policy.Periods.Differential), ("application", policy.Periods.Application) })
        {
            Need(period is null || period > TimeSpan.Zero, $"its {name} period must be longer than nothing.");
        }

        var interval = Interval(policy);
        Need(policy.CopyMode != CopyMode.Delta || interval is not null, "nothing is ever copied: no period and no stream.");
        if (policy.CopyMode == CopyMode.Delta && interval is { } between && between > TimeSpan.Zero && policy.Bandwidth.Mbps > 0)
        {
            var window = between + TransferTime(policy, between);
            Need(window <= policy.Targets.Rpo * RpoShare,
                $"an interval of {Text(between)} and its transfer of {Text(window - between)} make {Text(window)}; at most {Text(policy.Targets.Rpo * RpoShare)} ({RpoShare:0.0} × RPO) fit.");
        }

        if (policy.CopyMode != CopyMode.Delta && policy.Bandwidth.Mbps > 0)
        {
            Need(MeanMbps(policy) <= policy.Bandwidth.Mbps * RpoShare,
                $"its changes need {MeanMbps(policy):0.##} Mbit/s on average; a stream keeps up with at most {policy.Bandwidth.Mbps * RpoShare:0.##} of {policy.Bandwidth.Mbps:0.##}.");
        }

        reasons.AddRange(CheckTimers(timers, policy.Targets).Select(reason => $"Policy {policy.Name}: {reason}"));
        return reasons;
    }

    /// <summary>Reasons against a set: each policy, each calendar, and what only shows together.</summary>
    /// <param name="timers">Those that a policy's systems have.</param>
    public static IReadOnlyList<string> CheckAll(IReadOnlyCollection<BackupPolicy> policies, IReadOnlyCollection<OpeningCalendar> calendars, Func<BackupPolicy, PolicyTimers> timers)
    {
        ArgumentNullException.ThrowIfNull(policies);
        ArgumentNullException.ThrowIfNull(calendars);
        ArgumentNullException.ThrowIfNull(timers);
        List<string> reasons = [.. policies.SelectMany(policy => Check(policy, timers(policy))), .. calendars.SelectMany(CalendarRules.Check)];
        reasons.AddRange(policies.GroupBy(p => p.Name, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => $"Policy {g.Key} is there {g.Count()} times."));
        reasons.AddRange(calendars.GroupBy(c => c.Name, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => $"Calendar {g.Key} is there {g.Count()} times."));
        reasons.AddRange(policies.Where(p => p.Calendar != OpeningCalendar.Default.Name && calendars.All(c => c.Name != p.Calendar)).Select(p => $"Policy {p.Name}: there is no calendar '{p.Calendar}'."));
        reasons.AddRange(policies.SelectMany(p => p.Systems).GroupBy(s => s).Where(g => g.Count() > 1).Select(g => $"System {g.Key} is in {g.Count()} policies."));
        foreach (var line in policies.Where(p => p.Bandwidth.Shared && p.CopyMode != CopyMode.Delta).GroupBy(p => p.Bandwidth))
        {
            var needed = line.Sum(MeanMbps);
            if (needed > line.Key.Mbps * RpoShare)
            {
                reasons.Add($"Line class {line.Key.Name}: its policies change {needed:0.##} Mbit/s on average together; at most {line.Key.Mbps * RpoShare:0.##} fit.");
            }
        }

        return reasons;
    }

    /// <summary>Leases and timers alone.</summary>
    public static IReadOnlyList<string> CheckTimers(PolicyTimers timers, PolicyTargets targets)
    {
        ArgumentNullException.ThrowIfNull(timers);
        ArgumentNullException.ThrowIfNull(targets);
        List<string> reasons = [];
        if (timers.DetectionDeadline <= timers.BeatPeriod)
        {
            reasons.Add($"silence of {Text(timers.DetectionDeadline)} cannot be told from a beat every {Text(timers.BeatPeriod)}.");
        }

        if (timers.LeaseTtl is { } ttl)
        {
            if (ttl < timers.BeatPeriod * 2)
            {
                reasons.Add($"a lease of {Text(ttl)} does not survive one lost beat of {Text(timers.BeatPeriod)}.");
            }

            var takeover = timers.DetectionDeadline + Budgets.Probing + LeaseClock.FencingWait(ttl) + timers.StartTime;
            if (takeover > targets.Rto)
            {
                reasons.Add($"detection, probing, fencing and start take {Text(takeover)}; the RTO is {Text(targets.Rto)}.");
            }
        }

        return reasons;
    }

    /// <summary>Time to send what changes in one interval, by the policy's share of the line.</summary>
    public static TimeSpan TransferTime(BackupPolicy policy, TimeSpan interval)
    {
        ArgumentNullException.ThrowIfNull(policy);
        var bits = policy.ChangeGigabytesPerDay * 8e9 * (interval / TimeSpan.FromDays(1));
        return policy.Bandwidth.Mbps > 0 ? TimeSpan.FromSeconds(bits / (policy.Bandwidth.Mbps * 1e6)) : TimeSpan.MaxValue;
    }

    /// <summary>How often something is sent when only points are: the shortest period. Null = never.</summary>
    private static TimeSpan? Interval(BackupPolicy policy) =>
        new[] { policy.Periods.Full, policy.Periods.Incremental, policy.Periods.Differential, policy.Periods.Application }.Min();

    private static double MeanMbps(BackupPolicy policy) => policy.ChangeGigabytesPerDay * 8e9 / 86_400 / 1e6;

    private static string Text(TimeSpan time) => time.TotalMinutes >= 2 ? $"{time.TotalMinutes:0.#} min" : $"{time.TotalSeconds:0.#} s";
}
