using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

public enum ScheduledWork
{
    Point,
    Incremental,
    Differential,
    Application,
    Full,

    /// <summary>Every early morning: the day's points are restored and tested.</summary>
    SmallCheck,

    /// <summary>Every closing day: the whole copy is restored on the backup site's own systems and tested.</summary>
    LargeCheck,
}

/// <summary>Work that is due, and since when.</summary>
public sealed record DueWork(ScheduledWork Work, DateTime DueAt);

/// <summary>
/// When what a policy asks for is due. Periods of a day or more fall into the idle hours; shorter ones run all day. Pure: the last runs come in, what is due comes out;
/// missed runs are made up once, not one by one.
/// </summary>
public static class PolicySchedule
{
    /// <summary>Early morning, before anybody comes and after the night's changes.</summary>
    public static readonly TimeOnly NightWork = new(2, 0);

    public static readonly TimeOnly SmallCheckAt = new(4, 0);

    public static readonly TimeOnly LargeCheckAt = new(10, 0);

    /// <summary>Work due at <paramref name="now"/> (local time), the most urgent first. A work that never ran is due at once.</summary>
    public static IReadOnlyList<DueWork> Due(BackupPolicy policy, OpeningCalendar calendar, IReadOnlyDictionary<ScheduledWork, DateTime> lastRuns, DateTime now)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(lastRuns);
        return Enum.GetValues<ScheduledWork>()
            .Select(work => (Work: work, At: Next(policy, calendar, work, lastRuns.TryGetValue(work, out var last) ? last : null, now)))
            .Where(x => x.At is { } at && at <= now)
            .Select(x => new DueWork(x.Work, x.At!.Value))
            .OrderBy(due => due.Work)
            .ToArray();
    }

    /// <summary>When <paramref name="work"/> is due next after its last run; null = the policy does not ask for it.</summary>
    public static DateTime? Next(BackupPolicy policy, OpeningCalendar calendar, ScheduledWork work, DateTime? last, DateTime now)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(calendar);
        return work switch
        {
            ScheduledWork.Point => After(policy.PointPeriod, last, now),
            ScheduledWork.Incremental => After(policy.Periods.Incremental, last, now),
            ScheduledWork.Differential => After(policy.Periods.Differential, last, now),
            ScheduledWork.Application => After(policy.Periods.Application, last, now),
            ScheduledWork.Full => After(policy.Periods.Full, last, now),
            ScheduledWork.SmallCheck => At(SmallCheckAt, last, now, _ => true),
            ScheduledWork.LargeCheck => At(LargeCheckAt, last, now, day => !calendar.IsOpenDay(day)),
            _ => throw new ArgumentOutOfRangeException(nameof(work), work, "Work without a schedule."),
        };
    }

    private static DateTime? After(TimeSpan? period, DateTime? last, DateTime now)
    {
        if (period is not { } p || p <= TimeSpan.Zero)
        {
            return null;
        }

        return last is not { } at ? now : p < TimeSpan.FromDays(1) ? at + p : At(NightWork, (at + p).Date.AddDays(-1) + NightWork.ToTimeSpan(), now, _ => true);
    }

    /// <summary>The first <paramref name="time"/> after the last run on a day that fits.</summary>
    private static DateTime? At(TimeOnly time, DateTime? last, DateTime now, Func<DateOnly, bool> fits)
    {
        var from = last ?? now;
        for (var day = DateOnly.FromDateTime(from); day <= DateOnly.FromDateTime(from).AddDays(8); day = day.AddDays(1))
        {
            if (fits(day) && day.ToDateTime(time) is var at && (at > from || (last is null && at == from)))
            {
                return at;
            }
        }

        return null;
    }
}
