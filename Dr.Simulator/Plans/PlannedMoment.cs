using Dr.Contracts.Cli;
using Dr.Contracts.Policy;
using Dr.Simulator.Replay;

namespace Dr.Simulator.Plans;

/// <summary>When something is supposed to happen: a weekday and a time by the library's clock.</summary>
internal sealed record PlannedMoment(DayOfWeek Day, TimeOnly Time)
{
    /// <summary>A Monday; only the weekday matters.</summary>
    private static readonly DateOnly Week = new(2026, 1, 5);

    private static readonly string[] TimeFormats = ["H:mm", "HH:mm"];

    public DateTimeOffset At => ServiceHours.At(Week.AddDays(((int)Day + 6) % 7), Time);

    /// <exception cref="UsageException">It is no weekday with a time.</exception>
    public static PlannedMoment Parse(string text)
    {
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var days = Enum.GetValues<DayOfWeek>().Where(d => parts.Length == 2 && parts[0].Length >= 3 && d.ToString().StartsWith(parts[0], StringComparison.OrdinalIgnoreCase)).ToArray();
        return days.Length == 1 && TimeOnly.TryParseExact(parts[1], TimeFormats, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? new PlannedMoment(days[0], time)
            : throw new UsageException($"'{text}' is no moment of the week.", "Write a weekday and a time, for example \"Tue 14:00\".");
    }

    public bool IsOpen(OpeningCalendar calendar) => calendar.ClassAt(At.DateTime) == Contracts.Mqtt.HourClass.Busy;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Day} {Time:HH\\:mm}");
}
