using System.Text;
using Dr.Simulator.Live.Judging;

namespace Dr.Simulator.Live.Reporting;

/// <summary>The result for a terminal: one line for each fault, one for each system, one for each promise.</summary>
internal static class LiveReportText
{
    public static string Of(LiveReport report)
    {
        var text = new StringBuilder();
        Line(text, $"Seed {report.Seed}, {(report.EndedAt - report.BeganAt).TotalMinutes:F1} minutes, {report.Stories.Count} faults (slow line: {report.SlowLine})");
        text.AppendLine();
        foreach (var story in report.Stories)
        {
            Line(text, $"{story.StruckAt:HH:mm:ss}  #{story.Fault.Number} {story.Fault.Name}");
            foreach (var takeover in story.Takeovers)
            {
                Line(text, $"          {Takeover(takeover)}");
            }

            if (story.Corruption is { } corruption)
            {
                Line(text, $"          {corruption.Where}: {corruption.Found ?? "not found"}{(corruption.Served ? "; damaged content was served" : "")}");
            }

            Line(text, $"          {Waits(story)}; {Whole(story)}");
        }

        text.AppendLine();
        foreach (var system in report.Evidence.Systems)
        {
            Line(text, $"{system.System.Id,-8} {system.System.Copy,-7} {system.Committed,7} committed, {system.Losses.Sum(l => l.Count)} lost, {system.OwnershipMoves} changes of owner, longest wait {system.LongestWait:F1} s");
        }

        text.AppendLine();
        foreach (var check in report.Checks)
        {
            Line(text, $"{(check.Holds ? "kept  " : "BROKEN")}  {check.Promise}: {check.Detail}");
        }

        text.AppendLine();
        Line(text, $"{(report.IsKept ? "Every promise was kept." : "A promise was broken.")}{(report.Interventions > 0 ? $" A person had to say yes {report.Interventions} times." : "")}");
        return text.ToString().TrimEnd();
    }

    public static string Takeover(TakeoverStory takeover) => string.Create(
        CultureInfo.InvariantCulture,
        $"{takeover.System}: {takeover.From} → {takeover.To}{(takeover.DetectedAfter is { } d ? $", detected after {d:F1} s" : "")}{(takeover.DoneAfter is { } e ? $", done after {e:F1} s" : "")}{(takeover.PredictedLossSeconds is { } loss ? $", predicted loss {loss} s" : "")}{(takeover.FencingProof is { } proof ? $", {proof}" : "")}");

    public static string Waits(FaultStory story) =>
        $"longest wait of clients: {string.Join(", ", story.Waits.Select(w => string.Create(CultureInfo.InvariantCulture, $"{w.Key} {w.Value:F1} s")))}";

    public static string Whole(FaultStory story) =>
        story.WholeAt is { } whole ? string.Create(CultureInfo.InvariantCulture, $"whole {(whole - story.MendedAt).TotalSeconds:F0} s after the repair") : "not whole again in time";

    private static void Line(StringBuilder text, FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
}
