using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Observing;

namespace Dr.Silo.Grains;

/// <summary>What the device's grain does by itself: judging silence, sending again, telling those concerned.</summary>
internal sealed partial class DeviceGrain
{
    private BeatClass Class => BeatClass.Of(store.State.Settings?.Class, Roles);

    /// <summary>Our own health as this grain knows it: what the whole silo notices, and that this grain itself stood still.</summary>
    private LocalHealth Observer => _look.Of(observer.Now);

    /// <summary>True while there is something to send, to tell or to measure, or a silence that goes on.</summary>
    private bool IsBusy => _presence == Presence.Suspect || _test is { IsOver: false } || store.State.Outbox.Any(c => c.IsOpen || !c.Told);

    private async Task OnTickAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        _look.Look(now);
        try
        {
            // Whatever fails in it is tried again by the next look.
            await LookAsync(now);
            PlanNext(time.GetUtcNow());
        }
        finally
        {
            Arm();
        }
    }

    private async Task LookAsync(DateTimeOffset now)
    {
        await JudgeAsync(now);
        await RemindSiteAsync(now);
        JudgeTest(now);
        foreach (var expired in store.State.Expired(now))
        {
            await SaveAsync(store.State.With(expired));
        }

        await TellAsync();
        if (_configPushed != store.State.ConfigVersion && now >= _pushAgainAt)
        {
            PushConfig();
        }

        if (_presence == Presence.Alive)
        {
            foreach (var open in store.State.Outbox.Where(c => c.IsOpen && now - _sent.GetValueOrDefault(c.Command.Id) > DeviceOutbox.ResendAfter))
            {
                await TransmitAsync(open.Command);
            }
        }
    }

    /// <summary>A device that only beats is looked at when its silence would mean something, and to remind its site: a look a second at each of 50 000 would leave time for little else.</summary>
    private void PlanNext(DateTimeOffset now)
    {
        if (IsBusy)
        {
            return;
        }

        var next = now + RemindSiteAfter;
        if (_detector is { } heard && _presence is Presence.Alive or Presence.Unknown)
        {
            var judgement = FailureDetector.Judge(heard, Class.Alpha(heard.HourClass), Observer, now);
            next = judgement.Deadline < next ? judgement.Deadline : next;
        }

        if (FirstHeardBy is { } by && by < next)
        {
            next = by;
        }

        if (_configPushed != store.State.ConfigVersion && _pushing.IsCompleted)
        {
            next = _pushAgainAt < next ? _pushAgainAt : next;
        }

        _look.Next(next, now);
    }

    private void LookSoon() => LookBy(time.GetUtcNow() + LookClock.Tick);

    /// <summary>Sooner than it was going to, if need be: a beat may promise a shorter silence than the one before.</summary>
    private void LookBy(DateTimeOffset at)
    {
        if (_look.By(at))
        {
            Arm();
        }
    }

    private void Arm() => _timer?.Change(_look.Wait(time.GetUtcNow()), Timeout.InfiniteTimeSpan);

    private DateTimeOffset DeadlineOf(DetectorState state) => FailureDetector.Deadline(state, Class.Alpha(state.HourClass));

    /// <summary>When a device that is known, and has not been heard yet, is silent; null when that is not the question.</summary>
    private DateTimeOffset? FirstHeardBy => _detector is null && store.State.Birth is not null && _presence == Presence.Unknown ? FirstHearing.LimitAt(Class, LongestPeriod, _bornAt > _activatedAt ? _bornAt : _activatedAt, observer.StartedAt, Observer.TrustedSince) : null;

    private TimeSpan? LongestPeriod => store.State.Settings is { } settings ? TimeSpan.FromMilliseconds(Math.Max(settings.Config.BusyPeriodMs, settings.Config.IdlePeriodMs)) : null;

    private async Task JudgeAsync(DateTimeOffset now)
    {
        if (_detector is null)
        {
            if (FirstHeardBy is { } by && now > by)
            {
                await SetPresenceAsync(Presence.Suspect, $"not heard for {(now - _activatedAt).TotalSeconds:F0} s, since it is watched by this silo");
            }

            return;
        }

        var judgement = FailureDetector.Judge(_detector, Class.Alpha(_detector.HourClass), Observer, now);
        _phi = judgement.Phi;
        if (judgement.Liveness != Liveness.Overdue)
        {
            return;
        }

        var silentFor = now - _detector.ArrivedAt;
        if (_presence is Presence.Alive or Presence.Unknown)
        {
            await SetPresenceAsync(Presence.Suspect, $"silent for {silentFor.TotalSeconds:F1} s, promised a beat within {_detector.Promise.TotalSeconds:F1} s");
        }
        else if (_presence == Presence.Suspect && now - _presenceSince > TimeSpan.FromSeconds(10))
        {
            await SetPresenceAsync(Presence.Silent, $"silent for {silentFor.TotalSeconds:F0} s");
        }
    }

    private async Task SetPresenceAsync(Presence presence, string reason)
    {
        if (presence == _presence)
        {
            return;
        }

        (_presence, _presenceSince) = (presence, time.GetUtcNow());
        LogPresence(Id, presence, reason);
        var change = Presently(reason);
        _siteToldAt = _presenceSince;
        await TryAsync("its presence", async () =>
        {
            if (Site is { } site)
            {
                await GrainFactory.GetGrain<ISiteGrain>(site.Value).OnPresenceAsync(change);
                await TellFleetAsync(site);
            }

            await Task.WhenAll(Systems.Select(s => GrainFactory.GetGrain<IBusinessSystemGrain>(s.Value).OnPresenceAsync(change)));
            await events.AppendAsync(
                [
                    (null, new EventRecord
                    {
                        At = _presenceSince,
                        Kind = "device.presence",
                        Subject = Id.Value,
                        Severity = presence == Presence.Alive ? Severity.Information : Severity.Warning,
                        Text = change.Reason,
                        Data = new Dictionary<string, string> { ["presence"] = presence.ToString() },
                    }),
                ],
                CancellationToken.None);
        });
    }

    /// <summary>The site's grain keeps its members in memory only; one that was activated anew, on another silo, has to be told again.</summary>
    private async Task RemindSiteAsync(DateTimeOffset now)
    {
        if (_presence != Presence.Unknown && Site is { } site && now - _siteToldAt > RemindSiteAfter)
        {
            _siteToldAt = now;
            await TryAsync("its presence", () => GrainFactory.GetGrain<ISiteGrain>(site.Value).OnPresenceAsync(Presently(_presence.ToString())).WaitAsync(CallDeadline, time));
            await TryAsync("its presence", () => TellFleetAsync(site).WaitAsync(CallDeadline, time));
        }
    }

    private Task TellFleetAsync(SiteId site) => GrainFactory.GetGrain<IFleetGrain>(IFleetGrain.Key).OnPresenceAsync(
        new FleetMember { Device = Id, Site = site, Switch = store.State.Settings?.Switch, Line = store.State.Settings?.Line }, _presence == Presence.Alive);

    private PresenceChange Presently(string reason) => new()
    {
        Device = Id,
        Site = Site ?? default,
        Alive = _presence == Presence.Alive,
        LastHeard = _detector?.ArrivedAt ?? _activatedAt,
        Phi = _phi,
        Reason = $"{Id} is {reason}.",
    };

    private IReadOnlyList<SystemId> Systems => store.State.Settings?.Systems ?? [];

    private async Task<LeaseGrant?> RenewAsync(LeaseRequest request)
    {
        LeaseGrant? grant = null;
        await TryAsync($"the lease of {request.System}", async () =>
            grant = await GrainFactory.GetGrain<IBusinessSystemGrain>(request.System.Value).RenewLeaseAsync(Id, request).WaitAsync(CallDeadline, time));
        return grant;
    }

    /// <summary>What is stored of the beat's mirrors; nothing when any part of the report did not arrive.</summary>
    private async Task<IReadOnlyList<MirrorNoted>> ReportAsync(Beat beat)
    {
        IReadOnlyList<MirrorNoted> mirrors = [];
        await TryAsync("a report", async () => mirrors = await TellAllAsync(beat));
        return mirrors;
    }

    private async Task<IReadOnlyList<MirrorNoted>> TellAllAsync(Beat beat)
    {
        List<Task> reports = [];
        Task<IReadOnlyList<MirrorNoted>>[] volumes = [.. beat.Volumes.Select(v => GrainFactory.GetGrain<IVolumeGrain>(v.Name).OnStatusAsync(Id, v))];
        reports.AddRange(volumes);
        foreach (var system in Systems)
        {
            var grain = GrainFactory.GetGrain<IBusinessSystemGrain>(system.Value);
            reports.AddRange(beat.Systems.Where(h => h.System == system).Select(h => grain.OnHealthAsync(Id, h)));
            reports.AddRange(beat.Volumes.Select(v => grain.OnVolumeAsync(Id, v)));
            reports.AddRange(beat.Reach.Where(r => r.Target == SystemObservations.Outside).Select(r => grain.OnReachAsync(Id, Site ?? default, r)));
        }

        const string System = "system:";
        reports.AddRange(beat.Reach.Where(r => r.Target.StartsWith(System, StringComparison.Ordinal))
            .Select(r => GrainFactory.GetGrain<IBusinessSystemGrain>(r.Target[System.Length..]).OnReachAsync(Id, Site ?? default, r)));
        if (reports.Count == 0)
        {
            return []; // A kiosk that saw nothing: the most of a fleet's beats.
        }

        await Task.WhenAll(reports).WaitAsync(CallDeadline, time);
        return [.. volumes.SelectMany(v => v.Result)];
    }

    /// <summary>Results go to who asked; the mark that they were told is only in memory until the next write, so after a crash they are told again.</summary>
    private async Task TellAsync()
    {
        foreach (var done in store.State.Outbox.Where(c => c is { IsOpen: false, Told: false }).ToArray())
        {
            await TryAsync($"the result of {done.Command.Id}", async () =>
            {
                await TellAsync(done.Command, done.Result!).WaitAsync(CallDeadline, time);
                store.State = store.State.Told(done.Command.Id);
            });
        }
    }

    private Task TellAsync(DeviceCommand command, CommandResult result) => command switch
    {
        { Step: VolumeGrain.ScheduleStep } when VolumeOf(command) is { } volume => GrainFactory.GetGrain<IVolumeGrain>(volume).OnResultAsync(Id, command, result),
        { System: { } system } => GrainFactory.GetGrain<IBusinessSystemGrain>(system.Value).OnResultAsync(Id, command, result),
        _ => Task.CompletedTask,
    };

    private static string? VolumeOf(DeviceCommand command) => command switch
    {
        TakePoint c => c.Volume,
        HoldPoint c => c.Volume,
        SyncCopy c => c.Volume,
        DigestVolume c => c.Volume,
        ApplyVolumePolicy c => c.Volume,
        _ => null,
    };

    private Task TransmitAsync(DeviceCommand command)
    {
        _sent[command.Id] = time.GetUtcNow();
        return TryAsync($"command {command.Id}", () => Downlink?.SendCommandAsync(Id, command, CancellationToken.None).WaitAsync(CallDeadline, time) ?? Task.CompletedTask);
    }

    /// <summary>
    /// Retained at the broker. Goes on beside the grain's turns: when a silo starts, a whole fleet is pushed at once, and no beat may queue behind a configuration. What does not get through goes again after
    /// <see cref="PushAgainAfter"/>.
    /// </summary>
    private void PushConfig()
    {
        if (store.State.Settings is null)
        {
            _configPushed = store.State.ConfigVersion; // Nobody has said what it should be.
        }
        else if (_pushing.IsCompleted)
        {
            _configPushed = 0;
            _pushing = PushAsync();
        }
    }

    /// <summary>What it has ceased to follow is not renewed any more, so it is not told.</summary>
    private Dictionary<SystemId, ActiveSite> ActiveSitesFor(DeviceSettings settings) => store.State.ActiveSites.Where(s => settings.Follows.Contains(s.Key)).ToDictionary(s => s.Key, s => s.Value);

    private async Task PushAsync()
    {
        _pushAgainAt = time.GetUtcNow() + PushAgainAfter;
        if (store.State.Settings is not { } settings || Downlink is not { } downlink)
        {
            return;
        }

        var version = store.State.ConfigVersion;
        try
        {
            await downlink.SetConfigAsync(Id, settings.Config with { Version = version, Epochs = store.State.Epochs, ActiveSites = ActiveSitesFor(settings) }, CancellationToken.None);
            _configPushed = version;
            _pushAgainAt = time.GetUtcNow(); // What has changed meanwhile goes at once.
        }
        catch (Exception e) when (e is DrException { IsTransient: true } or TimeoutException)
        {
            LogConfigLater(Id, e.Message);
            _pushAgainAt = time.GetUtcNow() + PushAgainAfter;
        }

        if (_configPushed != store.State.ConfigVersion)
        {
            LookBy(_pushAgainAt);
        }
    }

    /// <summary>
    /// For what is repeated anyway: by the next beat, by the timer, at the next birth. So any failure of the other side is only noted; the beat that
    /// carried it must still count.
    /// </summary>
    private async Task TryAsync(string what, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            LogNotThrough(Id, what, e.Message);
        }
    }

    // A restored database must not give out versions that devices have seen higher: the clock is above every count of changes.
    private long NextVersion() => Math.Max(store.State.ConfigVersion + 1, time.GetUtcNow().ToUnixTimeMilliseconds());

    private static bool SameSettings(DeviceSettings a, DeviceSettings b) =>
        System.Text.Json.JsonSerializer.Serialize(a) == System.Text.Json.JsonSerializer.Serialize(b);
}
