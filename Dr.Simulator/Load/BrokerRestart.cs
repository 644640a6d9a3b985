using System.Diagnostics;

namespace Dr.Simulator.Load;

/// <summary>The broker under a fleet is restarted, and everybody has to come back by themselves.</summary>
internal static class BrokerRestart
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    /// <summary>Runs the plan's command and waits until every device that is not switched off is back; fills in the summary's three times, counted from the command's start.</summary>
    /// <exception cref="DrException">The command failed, or the fleet is not back after five minutes.</exception>
    public static async Task RunAsync(LoadPlan plan, LoadDevice[] devices, LoadObserver observer, LoadSummary summary, TimeProvider time, CancellationToken cancellationToken)
    {
        var answers = Array.ConvertAll(devices, d => d.Answers);
        var connects = Array.ConvertAll(devices, d => d.Connects);
        var isAnswered = answers.Any(a => a > 0);
        var (began, start) = (time.GetUtcNow(), time.GetTimestamp());
        await RunCommandAsync(plan.Restart!, cancellationToken);
        double? connected = null, heard = null, answered = null;
        while (connected is null || heard is null || (isAnswered && answered is null))
        {
            var now = time.GetElapsedTime(start).TotalSeconds;
            connected ??= All(devices, n => devices[n].Connects > connects[n]) ? now : null;
            heard ??= observer.HeardSince(began, devices) ? now : null;
            answered ??= isAnswered && connected is not null && All(devices, n => devices[n].Answers > answers[n]) ? now : null;
            if (now > Longest.TotalSeconds)
            {
                throw new DrException(
                    $"{Longest.TotalMinutes:0} min after the broker's restart the fleet is not back: {(connected is null ? "not all are connected" : heard is null ? "not all were heard" : "the control plane has not answered all")}.",
                    "See whether the command started the broker, at the same address, and what its log says.");
            }

            await Task.Delay(LookEvery, time, cancellationToken);
        }

        (summary.RestartConnectedSeconds, summary.RestartHeardSeconds, summary.RestartAnsweredSeconds) = (connected, heard, answered);
    }

    private static bool All(LoadDevice[] devices, Func<int, bool> isBack) => Enumerable.Range(0, devices.Length).All(n => devices[n].IsOff || isBack(n));

    private static async Task RunCommandAsync(string command, CancellationToken cancellationToken)
    {
        // What it says goes beside the summary and not into it.
        using var shell = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", $"{{ {command}\n}} 1>&2"]) { UseShellExecute = false })!;
        await shell.WaitForExitAsync(cancellationToken);
        if (shell.ExitCode != 0)
        {
            throw new DrException($"The command that restarts the broker ended with status {shell.ExitCode}: {command}", "Try it by hand; it has to end once the broker is started.");
        }
    }
}
