using Dr.Simulator.Replay;
using Spectre.Console;

namespace Dr.Simulator.Reports;

/// <summary>One fault, second by second, as it was and with the system: where every figure about it comes from.</summary>
internal static class ExplainReport
{
    public static void Write(IAnsiConsole console, ReplayResult result, IReadOnlyList<IncidentResult> incidents)
    {
        foreach (var incident in incidents)
        {
            var strike = incident.Strike.ToOffset(ServiceHours.Zone);
            console.MarkupLineInterpolated($"[bold]{incident.System}[/] · {incident.Name} · {strike:yyyy-MM-dd HH:mm:ss}");
            console.MarkupLineInterpolated($"Line {incident.LogLine} of the log: {incident.Symptom}. Recorded as {incident.FaultTypes}; seed {result.Seed} draws the {(incident.DateDrawn ? "date and hour" : "hour")}{(incident.FaultTypes.Contains('|', StringComparison.Ordinal) ? " and the type" : "")}: {incident.Broke} breaks.");
            console.WriteLine();
            console.MarkupLine("[bold]As it was[/]");
            Story(console, incident, incident.StoryBefore);
            console.MarkupLineInterpolated($"  = {incident.MinutesBefore:0.0} opening minutes without service, weighted by the share of users; the source counts a day.");
            console.WriteLine();
            console.MarkupLine("[bold]With the system[/]");
            Story(console, incident, incident.Story);
            console.MarkupLineInterpolated($"  = noticed after {Figures.Seconds(incident.DetectionSeconds)} ({By(incident.DetectedBy)}), served again after {Figures.Seconds(incident.RtoSeconds)} ({incident.Remedy}), {Figures.Seconds(incident.RpoSeconds)} of data lost, {incident.MinutesAfter:0.00} opening minutes without service.");
            if (incident.WhyNotHelped is { } why)
            {
                console.MarkupLineInterpolated($"  [yellow]Not helped:[/] {Texts.English.Of(why)}");
            }

            console.WriteLine();
        }
    }

    private static string By(FirstSign? by) => by switch
    {
        FirstSign.Silence => "beats stayed away",
        FirstSign.OwnReport => "the host's own checks",
        FirstSign.Witnesses => "witnesses",
        _ => "by nobody",
    };

    private static void Story(IAnsiConsole console, IncidentResult incident, IReadOnlyList<StoryLine> story)
    {
        foreach (var line in story)
        {
            var day = (line.At.ToOffset(ServiceHours.Zone).Date - incident.Strike.ToOffset(ServiceHours.Zone).Date).Days;
            console.MarkupLineInterpolated($"  {line.At.ToOffset(ServiceHours.Zone):HH:mm:ss.f}{(day > 0 ? $" +{day} d" : ""),-5} {After(line.At - incident.Strike),10}  [grey]{line.Who,-14}[/] {line.Text}");
        }
    }

    private static string After(TimeSpan since) => since.TotalSeconds switch
    {
        < 60 => string.Create(CultureInfo.InvariantCulture, $"+{since.TotalSeconds:0.0} s"),
        < 3600 => string.Create(CultureInfo.InvariantCulture, $"+{(int)since.TotalMinutes}:{since.Seconds:00} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"+{(int)since.TotalHours}:{since.Minutes:00} h"),
    };
}
