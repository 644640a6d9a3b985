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
public sealed record DueWork(ScheduledWork Work, DateTimeOffset DueAt);

/// <summary>
/// When what a policy asks for is due. Periods below a day run on real time, whatever the clocks do; those of a day or more, and the drills, go by the branch's own clock and fall into
/// the idle hours. Pure: the last runs come in, what is due comes out; missed runs are made up once, not one by one.
/// </summary>
public static class PolicySchedule
{
    /// <summary>Early morning, before anybody comes and after the night's changes.</summary>
    public static readonly TimeOnly NightWork = new(2, 0);

    /// <summary>How far ahead a day that fits is looked for: longer than any library is closed, or open, without a break.</summary>
    private const int DaysAhead = 62;

    /// <summary>Work due at <paramref name="now"/>, the most urgent first. A work that never ran is due at once.</summary>
    public static IReadOnlyList<DueWork> Due(BackupPolicy policy, OpeningCalendar calendar, IReadOnlyDictionary<ScheduledWork, DateTimeOffset> lastRuns, DateTimeOffset now)
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

    /// <summary>When <paramref name="work"/> is due next after its last run; null = the policy does not ask for it, or no day fits.</summary>
    public static DateTimeOffset? Next(BackupPolicy policy, OpeningCalendar calendar, ScheduledWork work, DateTimeOffset? last, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(calendar);
        return work switch
        {
            ScheduledWork.Point => After(policy.PointPeriod, calendar, last, now),
            ScheduledWork.Incremental => After(policy.Periods.Incremental, calendar, last, now),
            ScheduledWork.Differential => After(policy.Periods.Differential, calendar, last, now),
            ScheduledWork.Application => After(policy.Periods.Application, calendar, last, now),
            ScheduledWork.Full => After(policy.Periods.Full, calendar, last, now),
            ScheduledWork.SmallCheck => policy.Drills.SmallAt is { } small ? At(small, calendar, last ?? now, includeStart: last is null, _ => true) : null,
            ScheduledWork.LargeCheck => policy.Drills.LargeAt is { } large ? Closed(large, calendar, last ?? now, includeStart: last is null) : null,
            _ => throw new ArgumentOutOfRangeException(nameof(work), work, "Work without a schedule."),
        };
    }

    private static DateTimeOffset? After(TimeSpan? period, OpeningCalendar calendar, DateTimeOffset? last, DateTimeOffset now)
    {
        if (period is not { } p || p <= TimeSpan.Zero)
        {
            return null;
        }

        if (last is not { } at)
        {
            return now;
        }

        // By the date and not by the hour: a night's work that took long, or began late, is due in the next night all the same.
        return p < TimeSpan.FromDays(1) ? at + p : calendar.Instant((calendar.Local(at) + p).Date + NightWork.ToTimeSpan()) is var due && due > at ? due : at + p;
    }

    /// <summary>On the next closed day; a branch that never closes has its Mondays for it.</summary>
    private static DateTimeOffset? Closed(TimeOnly time, OpeningCalendar calendar, DateTimeOffset from, bool includeStart) =>
        At(time, calendar, from, includeStart, day => !calendar.IsOpenDay(day)) ?? At(time, calendar, from, includeStart, day => day.DayOfWeek == DayOfWeek.Monday);

    /// <summary>The first <paramref name="time"/> by the branch's clock after <paramref name="from"/> on a day that fits.</summary>
    private static DateTimeOffset? At(TimeOnly time, OpeningCalendar calendar, DateTimeOffset from, bool includeStart, Func<DateOnly, bool> fits)
    {
        var first = DateOnly.FromDateTime(calendar.Local(from));
        for (var day = first; day <= first.AddDays(DaysAhead); day = day.AddDays(1))
        {
            // A date that the branch left out (Samoa, 2011-12-30) is none of its days.
            if (fits(day) && calendar.Instant(day.ToDateTime(time)) is var at && DateOnly.FromDateTime(calendar.Local(at)) == day && (at > from || (includeStart && at == from)))
            {
                return at;
            }
        }

        return null;
    }
}
