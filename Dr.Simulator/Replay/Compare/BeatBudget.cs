using Dr.Contracts.Mqtt;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Detection;

namespace Dr.Simulator.Replay.Compare;

/// <summary>
/// What a class of beats costs in a year: messages, and false alarms by the formula of Chen, Toueg and Aguilera on a line that is good most of the time and strained in some of the opening
/// hours. Detection is measured in the replay itself.
/// </summary>
internal static class BeatBudget
{
    /// <summary>The line between the sites on a good day: one beat in 500 lost, 20 ± 15 ms.</summary>
    public static readonly LinkQuality Good = new(0.002, 20, 15);

    /// <summary>… and when it is full: one in twenty lost, 0.9 ± 0.7 s.</summary>
    public static readonly LinkQuality Strained = new(0.05, 900, 700);

    /// <summary>Share of the opening hours in which it is.</summary>
    public const double StrainedShare = 0.02;

    public static double MessagesPerYear(BeatClass beats) => (BusyHours * 3600 / beats.BusyPeriod.TotalSeconds) + (IdleHours * 3600 / beats.IdlePeriod.TotalSeconds);

    public static double FalseAlarmsPerYear(BeatClass beats) =>
        (BusyHours * (1 - StrainedShare) / Hours(beats, HourClass.Busy, Good)) + (BusyHours * StrainedShare / Hours(beats, HourClass.Busy, Strained)) + (IdleHours / Hours(beats, HourClass.Idle, Good));

    private static double BusyHours => OpeningCalendar.Default.OpenPerDay.TotalHours * ReplayRun.DaysInYear * (7 - OpeningCalendar.Default.ClosedDays.Count) / 7;

    private static double IdleHours => (ReplayRun.DaysInYear * 24) - BusyHours;

    /// <summary>Hours from one false alarm to the next.</summary>
    private static double Hours(BeatClass beats, HourClass hours, LinkQuality link) => PredictedQuality.RecurrenceOf(beats.Period(hours), beats.Alpha(hours), link).TotalHours;
}
