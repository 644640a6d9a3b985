using System.Diagnostics;
using System.Net;
using Dr.Contracts.Mqtt.Client;
using Dr.Silo.Ingress;
using Dr.Simulator.World;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Simulator.Load;

/// <summary>Runs a plan: broker, listener, devices, outages and storms; and sums it up, also when it is stopped early.</summary>
internal static class LoadFleet
{
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    /// <param name="progress">What is going on, and how much of the run is over, 0–1.</param>
    public static async Task<LoadSummary> RunAsync(LoadPlan plan, IProgress<(string What, double Share)>? progress, TimeProvider time, CancellationToken cancellationToken)
    {
        await using var embedded = plan.Broker is null ? new EmbeddedBroker(new IngressOptions { Listen = new IPEndPoint(IPAddress.Loopback, 0) }, NullLogger<EmbeddedBroker>.Instance) : null;
        if (embedded is not null)
        {
            await embedded.StartAsync(cancellationToken);
        }

        var broker = plan.Broker ?? await embedded!.AddressAsync(cancellationToken);
        var (connector, counters) = (new BrokerConnector(time), new LoadCounters());
        var summary = new LoadSummary { Devices = plan.Devices, Broker = embedded is null ? broker.ToString() : "the embedded broker", BeatSeconds = plan.Beat.TotalSeconds };
        using var stop = new CancellationTokenSource();
        var observer = new LoadObserver(plan, connector, broker, time);
        var listening = await observer.StartAsync(stop.Token);
        LoadDevice[] devices = [.. Enumerable.Range(0, plan.Devices).Select(n => new LoadDevice(n, plan, connector, broker, counters, time))];
        List<Task> lives = [];
        var started = Stopwatch.GetTimestamp();
        try
        {
            await ConnectAsync(plan, devices, lives, counters, progress, time, stop.Token, cancellationToken);
            summary.ConnectSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
            started = Stopwatch.GetTimestamp();
            await FollowAsync(plan, devices, counters, observer, listening, summary, progress, time, cancellationToken);
            summary.Complete = true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Stopped early: what was measured until now is told.
        }

        summary.RunSeconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        summary.MemoryMiB = Environment.WorkingSet / (1024 * 1024);
        summary.CpuSeconds = Environment.CpuUsage.TotalTime.TotalSeconds;

        // What is under way arrives before the numbers are read.
        await Task.Delay(Settle, time, CancellationToken.None);
        await stop.CancelAsync();
        await Task.WhenAll(lives);
        await listening;
        observer.Fill(summary);
        (summary.BeatsSent, summary.Acknowledgements, summary.Connects, summary.Reconnects) = (counters.BeatsSent, counters.Acknowledgements, counters.Connects, counters.Reconnects);
        (summary.ConnectFailures, summary.LastFailure, summary.MostConnected) = (counters.Failures, counters.LastFailure, counters.MostConnected);
        return summary;
    }

    private static async Task ConnectAsync(
        LoadPlan plan, LoadDevice[] devices, List<Task> lives, LoadCounters counters, IProgress<(string, double)>? progress, TimeProvider time, CancellationToken stop, CancellationToken cancellationToken)
    {
        var batch = Math.Max(1, plan.ConnectsPerSecond / 10);
        foreach (var some in devices.Chunk(batch))
        {
            lives.AddRange(some.Select(d => Task.Run(() => d.LiveAsync(stop), CancellationToken.None)));
            progress?.Report(("connecting", (double)counters.ConnectedNow / plan.Devices));
            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken);
        }

        var deadline = Stopwatch.StartNew();
        while (counters.ConnectedNow < plan.Devices)
        {
            if (deadline.Elapsed > TimeSpan.FromMinutes(2))
            {
                throw new DrException($"Only {counters.ConnectedNow} of {plan.Devices} devices were connected after {deadline.Elapsed.TotalSeconds:0} s: {counters.LastFailure ?? "no reason is known"}", "Take fewer devices, or raise the limit of open files (ulimit -n) here and at the broker.");
            }

            progress?.Report(("connecting", (double)counters.ConnectedNow / plan.Devices));
            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken);
        }
    }

    private static async Task FollowAsync(
        LoadPlan plan, LoadDevice[] devices, LoadCounters counters, LoadObserver observer, Task listening, LoadSummary summary, IProgress<(string, double)>? progress, TimeProvider time, CancellationToken cancellationToken)
    {
        var chance = new Chance(plan.Seed).For("fleet");
        var begun = Stopwatch.GetTimestamp();
        var offFor = plan.Deadline + LoadPlan.OutageBeyondDeadline;

        // Each outage ends within the run, or it would not be known whether it was noticed.
        var room = plan.Duration - offFor;
        var outages = room > TimeSpan.Zero
            ? Enumerable.Range(0, (int)Math.Round(plan.Devices * plan.Outages)).Select(_ => (At: room * chance.Next(), Device: devices[chance.Below(devices.Length)])).OrderBy(o => o.At).ToList()
            : [];
        var storms = Enumerable.Range(1, plan.Storms).Select(n => plan.Duration * n / (plan.Storms + 1)).ToList();
        var restartAt = plan.Restart is null ? TimeSpan.MaxValue : plan.Duration / 2;
        List<Task> acts = [];
        while (Stopwatch.GetElapsedTime(begun) is var passed && passed < plan.Duration)
        {
            if (listening.IsCompleted)
            {
                await listening;
            }

            for (; outages.Count > 0 && outages[0].At <= passed; outages.RemoveAt(0))
            {
                if (!outages[0].Device.IsOff)
                {
                    summary.Outages++;
                    acts.Add(OutageAsync(outages[0].Device, observer, offFor, time, cancellationToken));
                }
            }

            if (restartAt <= passed)
            {
                restartAt = TimeSpan.MaxValue;
                acts.Add(BrokerRestart.RunAsync(plan, devices, observer, summary, time, cancellationToken));
            }

            if (storms.Count > 0 && storms[0] <= passed)
            {
                storms.RemoveAt(0);
                summary.Storms++;
                LoadDevice[] hit = [.. devices.Where(d => !d.IsOff && chance.Hits(plan.StormShare))];
                acts.Add(StormAsync(hit, counters, summary, time, cancellationToken));
            }

            if (acts.Find(a => a.IsFaulted) is { } failed)
            {
                await failed;
            }

            progress?.Report(($"{counters.ConnectedNow} connected, {counters.BeatsSent} beats", passed / plan.Duration));
            await Task.Delay(TimeSpan.FromMilliseconds(100), time, cancellationToken);
        }

        await Task.WhenAll(acts);
    }

    private static async Task OutageAsync(LoadDevice device, LoadObserver observer, TimeSpan time, TimeProvider clock, CancellationToken cancellationToken)
    {
        observer.SwitchedOff(device.Id);
        await device.SwitchOffAsync();
        await Task.Delay(time, clock, cancellationToken);
        observer.SwitchedOn(device.Id);
        device.SwitchOn();
    }

    private static async Task StormAsync(LoadDevice[] hit, LoadCounters counters, LoadSummary summary, TimeProvider time, CancellationToken cancellationToken)
    {
        var (before, begun) = (counters.Reconnects, Stopwatch.GetTimestamp());
        await Task.WhenAll(hit.Select(d => d.CutAsync()));
        while (counters.Reconnects - before < hit.Length)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), time, cancellationToken);
        }

        summary.StormSeconds.Add(Stopwatch.GetElapsedTime(begun).TotalSeconds);
    }
}
