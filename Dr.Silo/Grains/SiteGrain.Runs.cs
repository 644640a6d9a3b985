using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Sites;

namespace Dr.Silo.Grains;

/// <summary>Whole sites: what fits, whose turn it is, and how far it is.</summary>
internal sealed partial class SiteGrain
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan BlockPeriod = new TakeoverRules { Home = default, Peer = default }.BlockPeriod;

    private bool _ticking;

    public Task ConfigureSystemsAsync(IReadOnlyList<SystemSettings> systems, IReadOnlyDictionary<SiteId, double> capacities) =>
        SaveAsync(store.State with { Systems = systems, Capacities = capacities });

    public async Task<SiteRunView> StartRunAsync(StartSiteRun request)
    {
        if (store.State.Run is { IsLive: true } live)
        {
            return View(live) with { Refused = [$"Run {live.Id} of this site is live; only one can be."] };
        }

        var (run, refused) = await PlanAsync(request);
        if (refused.Count > 0 || request.PlanOnly)
        {
            return View(run) with { Id = null, StartedAt = null, Refused = refused };
        }

        await SaveAsync(store.State with { Run = run, RunCount = store.State.RunCount + 1 });
        LogStarted(Id, run.Id, run.Systems.Count, run.LastWave + 1);
        return View(run);
    }

    public Task<SiteRunView?> GetRunAsync() => Task.FromResult(store.State.Run is { } run ? View(run) : null);

    public async Task<SiteRunView?> StopRunAsync(string actor)
    {
        if (store.State.Run is not { IsLive: true } run)
        {
            return null;
        }

        await SaveAsync(store.State with { Run = run.Stop(actor, time.GetUtcNow()) });
        return View(store.State.Run!);
    }

    public async Task<string?> TurnAsync(SystemId system)
    {
        if (store.State.Run is not { IsLive: true } run)
        {
            var now = time.GetUtcNow();
            if (store.State.LastAutomaticAt is { } last && now - last < BlockPeriod)
            {
                // One that the last run had begun with goes on; a new site failover waits.
                return store.State.Run is { Automatic: true } before && before.Systems.Any(s => s.System == system && s.Progress is SiteProgress.Stuck or SiteProgress.UnderWay)
                    ? null
                    : $"An automatic failover of {Id} at {last:O} blocks another one until {last + BlockPeriod:O}.";
            }

            (run, _) = await PlanAsync(new StartSiteRun { Kind = RunKind.Failover, Actor = "detector", Reason = $"{Id} is lost", WithoutUnfitting = true }, automatic: true);
            await SaveAsync(store.State with { Run = run, RunCount = store.State.RunCount + 1, LastAutomaticAt = now });
            LogStarted(Id, run.Id, run.Systems.Count, run.LastWave + 1);
        }

        return run.Turn(system);
    }

    private async Task<(SiteRun Run, IReadOnlyList<string> Refused)> PlanAsync(StartSiteRun request, bool automatic = false)
    {
        var standings = await StandingsAsync(store.State.Systems);
        var here = store.State.Systems.Where(s => standings.TryGetValue(s.Id, out var standing) && standing.Site == Id).ToArray();
        List<IReadOnlyList<SystemId>> waves = [];
        var leftOut = new Dictionary<SystemId, string>();
        foreach (var group in here.GroupBy(s => s.Opposite(Id).Site))
        {
            var there = store.State.Systems.Where(s => standings.TryGetValue(s.Id, out var standing) && standing.Site == group.Key).Select(SiteMember.Of);
            var plan = SitePlan.Make([.. group.Select(SiteMember.Of)], [.. there], store.State.Capacities.TryGetValue(group.Key, out var capacity) ? capacity : null);
            for (var wave = 0; wave < plan.Waves.Count; wave++)
            {
                if (wave == waves.Count)
                {
                    waves.Add([]);
                }

                waves[wave] = [.. waves[wave], .. plan.Waves[wave]];
            }

            foreach (var (system, why) in plan.LeftOut)
            {
                leftOut[system] = why;
            }
        }

        List<string> refused = [];
        if (request.Kind is not (RunKind.Failover or RunKind.Move))
        {
            refused.Add("A whole site is taken over (failover) or moved (move).");
        }

        if (here.Length == 0)
        {
            refused.Add($"Nothing serves at {Id}.");
        }

        if (!request.WithoutUnfitting)
        {
            refused.AddRange(leftOut.Select(l => $"{l.Key}: {l.Value}"));
        }

        var id = $"{Id}-{request.Kind.ToString().ToLowerInvariant()}-{store.State.RunCount + 1}";
        return (SiteRun.Begin(id, request.Kind, Id, request.Actor, request.Reason, automatic, new SitePlan { Waves = waves, LeftOut = leftOut }, [.. here.Select(SiteMember.Of)], time.GetUtcNow()), refused);
    }

    /// <summary>Looks at the systems, opens waves, starts what may start. The orders carry a key of this run and system, so that one given twice is one.</summary>
    private async Task OnTickAsync(CancellationToken cancellationToken)
    {
        if (_ticking || store.State.Run is not { IsLive: true })
        {
            return;
        }

        _ticking = true;
        try
        {
            var open = store.State.Run.Systems.Where(s => s.Progress is not (SiteProgress.LeftOut or SiteProgress.Serving)).Select(s => s.System).ToHashSet();
            var standings = await StandingsAsync(store.State.Systems.Where(s => open.Contains(s.Id)));
            var now = time.GetUtcNow();
            await ChangeAsync(run => standings.Aggregate(run, (r, s) => r.Seen(s.Key, s.Value, now)).Tick(now));
            if (store.State.Run is { IsLive: true } run && run.ToStart() is { Count: > 0 } start)
            {
                var outcomes = await Task.WhenAll(start.Select(system => OrderAsync(run, system)));
                await ChangeAsync(r => outcomes.Aggregate(r, (changed, o) => changed.Started(o.System, o.Refusal, time.GetUtcNow())));
            }

            if (store.State.Run is { IsLive: false } ended)
            {
                LogEnded(Id, ended.Id, ended.Outcome ?? "");
            }
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            LogTickFailed(Id, exception.Message); // The next tick looks again.
        }
        finally
        {
            _ticking = false;
        }
    }

    private async Task<(SystemId System, string? Refusal)> OrderAsync(SiteRun run, SystemId system)
    {
        var outcome = await GrainFactory.GetGrain<IBusinessSystemGrain>(system.Value)
            .StartRunAsync(new StartRun { Kind = run.Kind, Actor = run.Actor, Reason = $"{run.Reason} (run {run.Id} of the whole site)", IdempotencyKey = run.Id })
            .WaitAsync(CallDeadline, time);
        return (system, outcome.Answer is RunAnswer.Accepted or RunAnswer.OtherRunLive ? null : string.Join(' ', outcome.UnmetGuards.Prepend(outcome.Message)));
    }

    private async Task ChangeAsync(Func<SiteRun, SiteRun> change)
    {
        // A call may have stopped the run while this one looked at the systems: what is stored now counts.
        var before = store.State.Run!;
        var after = change(before);
        if (!ReferenceEquals(before, after) && !Same(before, after))
        {
            await SaveAsync(store.State with { Run = after });
        }
    }

    private static bool Same(SiteRun left, SiteRun right) => left with { Systems = [] } == right with { Systems = [] } && left.Systems.SequenceEqual(right.Systems);

    private async Task<Dictionary<SystemId, SystemStanding>> StandingsAsync(IEnumerable<SystemSettings> systems)
    {
        var asked = await Task.WhenAll(systems.Select(async s => (s.Id, Standing: await GrainFactory.GetGrain<IBusinessSystemGrain>(s.Id.Value).StandingAsync().WaitAsync(CallDeadline, time))));
        return asked.Where(a => a.Standing is not null).ToDictionary(a => a.Id, a => a.Standing!);
    }


    private static SiteRunView View(SiteRun run) => new()
    {
        Id = run.Id,
        From = run.From,
        Kind = run.Kind,
        Actor = run.Actor,
        Reason = run.Reason,
        Automatic = run.Automatic,
        StartedAt = run.StartedAt,
        EndedAt = run.EndedAt,
        Outcome = run.Outcome,
        Wave = run.Wave + 1,
        Waves = run.LastWave + 1,
        Systems = [.. run.Systems.Select(s => new SiteRunLine
        {
            System = s.System,
            Wave = s.Wave + 1,
            Progress = s.Progress.ToString(),
            Detail = s.Detail ?? (s.Progress == SiteProgress.Waiting ? run.Turn(s.System) : null),
            Seconds = s is { Progress: SiteProgress.Serving, StartedAt: { } from, EndedAt: { } to } ? (to - from).TotalSeconds : null,
        })],
    };

    [LoggerMessage(3201, LogLevel.Warning, "Site {SiteId}: run {RunId} of the whole site begins: {Systems} systems in {Waves} waves")]
    private partial void LogStarted(SiteId siteId, string runId, int systems, int waves);

    [LoggerMessage(3202, LogLevel.Information, "Site {SiteId}: run {RunId} has ended: {Outcome}")]
    private partial void LogEnded(SiteId siteId, string runId, string outcome);

    [LoggerMessage(3203, LogLevel.Warning, "Site {SiteId}: its run could not be looked at: {Reason}")]
    private partial void LogTickFailed(SiteId siteId, string reason);
}
