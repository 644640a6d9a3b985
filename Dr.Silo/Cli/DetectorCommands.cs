using System.CommandLine;
using Dr.Contracts.Grains;
using Spectre.Console;

namespace Dr.Silo.Cli;

/// <summary><c>dr-silo detector …</c>: how well devices are watched.</summary>
internal static class DetectorCommands
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);

    public static Command Create() => new("detector", "The failure detector: its classes and their quality, its evidence, and tests of it.") { List(), Evidence(), Test() };

    private static Command List() => ClientCommands.Remote<DetectorView>("list", "Show per class what was measured: detection time, false alarms, accuracy.", [], [],
        (client, _, cancellationToken) => client.GetAsync<DetectorView>("detector", cancellationToken), Classes);

    private static Command Evidence()
    {
        var system = new Option<string?>("--system") { Description = "Only findings about this system." };
        return ClientCommands.Remote<IReadOnlyList<EvidenceBundle>>("evidence", "List evidence bundles: who saw what, when, at each finding.", [], [system],
            (client, parsed, cancellationToken) => client.GetAsync<IReadOnlyList<EvidenceBundle>>(
                parsed.GetValue(system) is { } id ? $"detector/evidence?system={Uri.EscapeDataString(id)}" : "detector/evidence", cancellationToken), Bundles);
    }

    private static Command Test()
    {
        var target = new Argument<string>("SYSTEM|DEVICE") { Description = "A device, or a system whose serving device is meant." };
        var actor = ClientCommands.Actor();
        return ClientCommands.Remote<DetectionTest>("test", "Synthetic kill: measures how long a stop would take to be suspected. Nothing is taken over by it.", [target], [actor], async (client, parsed, cancellationToken) =>
        {
            var test = await client.PostAsync<DetectionTest>("detector/tests", new { target = parsed.GetValue(target), actor = parsed.GetValue(actor) }, null, null, cancellationToken);
            while (!test.IsOver)
            {
                await Task.Delay(LookEvery, cancellationToken);
                test = await client.GetAsync<DetectionTest>($"detector/tests/{Uri.EscapeDataString(test.Device.Value)}", cancellationToken);
            }

            return test.Problem is null ? test : throw new DrException($"The test came to nothing: {test.Problem}", "Look at 'dr-silo devices'.");
        }, test => ViewTables.Make(
            ["Device", "Class", "Stopped", "Suspected after", "At the most"],
            [[test.Device.Value, test.Class, Time(test.StoppedAt), Seconds(test.Seconds), Seconds(test.BoundSeconds)]]));
    }

    private static Table Classes(DetectorView view) => ViewTables.Make(
        [view.Mass is { } mass ? $"Class ({mass})" : "Class", "Period busy/idle", "Deadline busy/idle", "Followed", "False alarms", "between them", "lasting", "Accuracy", "Right", "Tests", "p50", "p95", "max"],
        view.Classes.Select(c => new[]
        {
            c.Class, $"{c.BusyPeriod.TotalSeconds:0.#}/{c.IdlePeriod.TotalSeconds:0.#} s", $"{c.BusyDeadline.TotalSeconds:0.#}/{c.IdleDeadline.TotalSeconds:0.#} s",
            string.Create(CultureInfo.InvariantCulture, $"{c.FollowedHours:0.0} h"), $"{c.Mistakes}", c.HoursBetweenMistakes is { } hours ? string.Create(CultureInfo.InvariantCulture, $"{hours:0.0} h") : "", Seconds(c.MistakeSeconds),
            c.Accuracy?.ToString("0.000000", CultureInfo.InvariantCulture) ?? "", $"{c.Detections}", $"{c.Tests}", Seconds(c.DetectionP50Seconds), Seconds(c.DetectionP95Seconds), Seconds(c.DetectionMaxSeconds),
        }));

    private static Table Bundles(IReadOnlyList<EvidenceBundle> bundles) => ViewTables.Make(
        ["When", "System", "Suspect", "Finding", "Kinds", "Probes", "Witnesses", "Why"],
        bundles.Select(b => new[]
        {
            Time(b.At), b.System.Value, b.Suspect.Value, b.Scope, $"{b.Kinds} ({b.IndependentKinds})", $"{b.ProbesAnswered} of {b.ProbesSent}",
            $"{b.Witnesses.Count(w => w.Reachable)} of {b.Witnesses.Count} reach it", string.Join(' ', b.Reasons),
        }));

    private static string Seconds(double? seconds) => seconds is { } s ? string.Create(CultureInfo.InvariantCulture, $"{s:0.00} s") : "";

    private static string Time(DateTimeOffset? at) => at?.ToString("u", CultureInfo.InvariantCulture) ?? "";
}
