using Dr.Silo.Decisions.Detection;
using Spectre.Console;

namespace Dr.Simulator.Detection;

/// <summary>One class in one kind of hours, measured and computed.</summary>
internal sealed record DetectorRow
{
    public required string Class { get; init; }

    public required HourClass Hours { get; init; }

    public required double PeriodSeconds { get; init; }

    public required double DeadlineSeconds { get; init; }

    public required double P50Seconds { get; init; }

    public required double P95Seconds { get; init; }

    public required double MaxSeconds { get; init; }

    public required long Mistakes { get; init; }

    public required double FollowedDays { get; init; }

    public required double Accuracy { get; init; }

    /// <summary>Days between false suspicions by formula; null = beyond a million years.</summary>
    public required double? PredictedDaysBetween { get; init; }

    public required double PredictedAccuracy { get; init; }
}

/// <summary>The table of <c>dr-sim detector</c>.</summary>
internal static class DetectorReport
{
    private const double ShownDays = 365e6;

    public static IReadOnlyList<DetectorRow> Run(LinkQuality link, ulong seed, int beats, int kills) =>
    [
        .. BeatClass.All.SelectMany(c => new[] { HourClass.Busy, HourClass.Idle }.Select(hours => (Class: c, Hours: hours)))
            .Select(x =>
            {
                var (period, alpha) = (x.Class.Period(x.Hours), x.Class.Alpha(x.Hours));
                var result = DetectorTrial.Run(new TrialPlan { Period = period, Alpha = alpha, Link = link, Beats = beats, Kills = kills }, seed);
                var predicted = PredictedQuality.Of(period, alpha, link);
                return new DetectorRow
                {
                    Class = x.Class.Name,
                    Hours = x.Hours,
                    PeriodSeconds = period.TotalSeconds,
                    DeadlineSeconds = x.Class.Deadline(x.Hours).TotalSeconds,
                    P50Seconds = result.Percentile(0.5),
                    P95Seconds = result.Percentile(0.95),
                    MaxSeconds = result.Percentile(1),
                    Mistakes = result.Mistakes,
                    FollowedDays = result.Followed.TotalDays,
                    Accuracy = result.Accuracy,
                    PredictedDaysBetween = predicted.MistakeRecurrence.TotalDays is var days && days < ShownDays ? days : null,
                    PredictedAccuracy = predicted.Accuracy,
                };
            }),
    ];

    public static Table Table(IReadOnlyList<DetectorRow> rows)
    {
        var table = new Table().Border(TableBorder.Rounded);
        foreach (var head in new[] { "Class", "Hours", "Period", "Deadline", "Detected p50", "p95", "max", "False alarms", "in days", "Formula: days between", "P_A" })
        {
            table.AddColumn(head);
        }

        foreach (var r in rows)
        {
            table.AddRow(
                r.Class, r.Hours.ToString(), $"{r.PeriodSeconds:0.#} s", $"{r.DeadlineSeconds:0.#} s", Seconds(r.P50Seconds), Seconds(r.P95Seconds), Seconds(r.MaxSeconds),
                r.Mistakes.ToString(CultureInfo.InvariantCulture), r.FollowedDays.ToString("0.0", CultureInfo.InvariantCulture),
                r.PredictedDaysBetween is { } days ? days.ToString("0.#", CultureInfo.InvariantCulture) : "> 10^6 years", r.Accuracy.ToString("0.0000000", CultureInfo.InvariantCulture));
        }

        return table;
    }

    private static string Seconds(double seconds) => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.00} s");
}
