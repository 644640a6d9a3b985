using Dr.Contracts.Cli;
using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;
using Dr.Simulator.Live.Circulation;
using Dr.Simulator.Live.Faults;
using Dr.Simulator.Live.Judging;
using Dr.Simulator.Live.Reporting;
using Dr.Simulator.Live.World;

namespace Dr.Simulator.Live;

/// <summary>One run: the world is built, struck, healed and judged, and taken away again, however it ends.</summary>
internal sealed class LiveRun
{
    /// <summary>So long the world may take to be whole again after a fault; a first copy that starts anew is in it.</summary>
    private static readonly TimeSpan HealingLimit = TimeSpan.FromMinutes(4);

    /// <summary>So long it has to stay whole to count.</summary>
    private static readonly TimeSpan Lasting = TimeSpan.FromSeconds(8);

    private readonly LiveOptions _options;
    private readonly LiveProgress _progress;
    private readonly Timeline _timeline;
    private readonly List<FaultStory> _stories = [];
    private readonly TimeProvider _time = TimeProvider.System;
    private string? _notHealed;

    private LiveRun(LiveOptions options, LiveProgress progress)
    {
        (_options, _progress) = (options, progress);
        _timeline = new Timeline(_time, progress.Follow);
    }

    /// <summary>Exit status: 0 when every promise was kept.</summary>
    public static async Task<int> RunAsync(LiveOptions options, LivePrograms programs, CancellationToken cancellationToken)
    {
        var scene = Scene.Open();
        try
        {
            using var progress = LiveProgress.Start(options);
            var report = await new LiveRun(options, progress).RunAsync(programs, scene, cancellationToken);
            progress.Dispose();
            await report.WriteAsync(options, scene.LogFolder);
            return report.IsKept ? ProgramShell.Done : ProgramShell.Failed;
        }
        catch (DrException) when (options.Report is { } path)
        {
            LiveReport.SaveLogs(path, scene.LogFolder);
            throw;
        }
        finally
        {
            foreach (var left in await scene.RemoveAsync())
            {
                await Console.Error.WriteLineAsync($"Not cleaned up: {left}. 'dr-sim live --clean' tries again.");
            }
        }
    }

    private async Task<LiveReport> RunAsync(LivePrograms programs, Scene scene, CancellationToken cancellationToken)
    {
        await using var world = await LiveWorld.BuildAsync(programs, scene, LiveSystem.All, _progress.Building, cancellationToken);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var watch = new WorldWatch(world, _timeline, _time);
        var watching = watch.RunAsync(over.Token);
        try
        {
            await WholeAsync(watch, "before the first fault", cancellationToken);
            var began = _time.GetUtcNow();
            await StrikeAllAsync(world, watch, began, cancellationToken);

            // One look may fall on a moment that passes by itself, on a crowded machine at least: what counts is that it is whole and stays so.
            var isWhole = _notHealed is null && await WholeAsync(watch, "in the end", cancellationToken) is not null;
            var running = isWhole ? world.Systems.Select(s => s.Id).ToHashSet() : [];
            await world.StopClientsAsync();
            var ended = _time.GetUtcNow();
            var evidence = await new LiveJudge(world, _progress.Judging).CollectAsync(running, [.. _stories.Select(s => s.Corruption).OfType<CorruptionFinding>()], _notHealed, cancellationToken);
            var runs = await world.Control.RunsAsync(cancellationToken) ?? [];
            return new LiveReport
            {
                Seed = _options.Seed,
                Kinds = _options.Kinds,
                BeganAt = began,
                EndedAt = ended,
                SlowLine = world.Network.SlowLine,
                Stories = [.. _stories.Select(s => Told(s, runs, world))],
                Timeline = _timeline.Entries,
                Interventions = watch.Interventions,
                Evidence = evidence,
                Checks = LiveVerdict.Of(evidence),
            };
        }
        finally
        {
            await over.CancelAsync();
            await watching;
        }
    }

    private async Task StrikeAllAsync(LiveWorld world, WorldWatch watch, DateTimeOffset began, CancellationToken cancellationToken)
    {
        var actor = new FaultActor(world, text => _timeline.Note(TimelineKind.Fault, text));
        foreach (var fault in LiveSchedule.Draw(_options.Seed, _options.Kinds))
        {
            var left = _options.Length - (_time.GetUtcNow() - began);
            if (!LiveSchedule.Fits(fault, left, LiveSchedule.Healing))
            {
                _progress.Striking(1, "over");
                return;
            }

            _progress.Striking(1 - (left / _options.Length), fault.Name);
            _timeline.Note(TimelineKind.Fault, $"#{fault.Number} {fault.Name}");
            watch.MayGoHome = false;
            var struck = _time.GetUtcNow();
            CorruptionFinding? corruption = null;
            try
            {
                corruption = await actor.StrikeAsync(fault, cancellationToken);
            }
            catch (DrException exception)
            {
                // What the world did not do any more is the judge's, as everything else that was found.
                _notHealed = $"#{fault.Number} {fault.Name}: {exception.Message} {exception.Hint}";
                _timeline.Note(TimelineKind.System, _notHealed);
                return;
            }

            watch.MayGoHome = true;
            var mended = _time.GetUtcNow();
            _timeline.Note(TimelineKind.Repair, $"#{fault.Number} mended");
            var whole = await WholeAsync(watch, $"after #{fault.Number} {fault.Name}", cancellationToken);
            _stories.Add(new FaultStory { Fault = fault, StruckAt = struck, MendedAt = mended, WholeAt = whole, Corruption = corruption });
            if (whole is null)
            {
                return;
            }

            _timeline.Note(TimelineKind.Repair, string.Create(CultureInfo.InvariantCulture, $"#{fault.Number} everything is whole again, {(whole.Value - mended).TotalSeconds:F0} s after the repair"));
            await Task.Delay(fault.Rest, cancellationToken);
        }
    }

    /// <summary>Since when the world is whole, for long enough that it is no moment between two troubles; null when it did not become so in time, which ends the run.</summary>
    private async Task<DateTimeOffset?> WholeAsync(WorldWatch watch, string when, CancellationToken cancellationToken)
    {
        // One look may still be of the time before the fault was felt.
        await Task.Delay(TimeSpan.FromSeconds(2), cancellationToken);
        var deadline = _time.GetUtcNow() + HealingLimit;
        DateTimeOffset? since = null;
        while (since is null || _time.GetUtcNow() - since < Lasting)
        {
            since = watch.IsWhole ? since ?? _time.GetUtcNow() : null;
            if (since is null && _time.GetUtcNow() > deadline)
            {
                _notHealed = $"{when}, {HealingLimit.TotalMinutes:F0} minutes later: {watch.Ails}";
                _timeline.Note(TimelineKind.System, $"not whole: {watch.Ails}");
                return null;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(250), cancellationToken);
        }

        return since;
    }

    private FaultStory Told(FaultStory story, IReadOnlyList<RunView> runs, LiveWorld world)
    {
        var end = story.WholeAt ?? _time.GetUtcNow();
        return story with
        {
            Takeovers = [.. runs.Where(r => r.Kind == RunKind.Failover && r.StartedAt >= story.StruckAt && r.StartedAt <= end).OrderBy(r => r.StartedAt).Select(r => new TakeoverStory(
                r.System.Value,
                r.From.Value,
                r.To.Value,
                r.Facts.TryGetValue("detectedAt", out var at) && DateTimeOffset.TryParse(at, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var detected) && detected >= story.StruckAt ? (detected - story.StruckAt).TotalSeconds : null,
                r.Steps.Where(s => s.FinishedAt is not null && s.Step == nameof(StepKind.CheckSystem)).Select(s => (double?)(s.FinishedAt!.Value - story.StruckAt).TotalSeconds).Max(),
                r.Facts.GetValueOrDefault("fencingProof"),
                r.Facts.GetValueOrDefault("predictedLossSeconds")))],
            Waits = world.Systems.ToDictionary(s => s.Id, s => Gaps.Longest(Commits(world, s), Seconds(story.StruckAt), Seconds(end))),
        };
    }

    /// <summary>Moments of answered commits in seconds of the calendar.</summary>
    private static double[] Commits(LiveWorld world, LiveSystem system)
    {
        if (system.HasDatabase)
        {
            return [.. LedgerFile.ReadAll(world.LedgerPath).Where(e => e.State == LedgerState.Committed).Select(e => Seconds(e.At))];
        }

        var offset = Seconds(DateTimeOffset.UtcNow) - VolumeWriters.Now;
        return [.. world.Writers[system.Id].Answers.Where(a => a.CommittedAt is not null).Select(a => a.CommittedAt!.Value + offset).Order()];
    }

    private static double Seconds(DateTimeOffset at) => at.ToUnixTimeMilliseconds() / 1000.0;
}
