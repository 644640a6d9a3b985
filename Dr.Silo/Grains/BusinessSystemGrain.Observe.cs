using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Grains;

/// <summary>From what was heard to what the machine is told. Levels, not edges: said again as long as they hold; the machine ignores what is not news.</summary>
internal sealed partial class BusinessSystemGrain
{
    /// <summary>A copy that says "failed" or "seeding" for this long is not on its way back by itself.</summary>
    private static readonly TimeSpan CopyTroubleAfter = TimeSpan.FromSeconds(5);

    /// <summary>A copy that failed is tried again after a while, not at every look: each try is in the audit.</summary>
    private static readonly TimeSpan CopyAgainAfter = TimeSpan.FromSeconds(10);

    /// <summary>A component may fail a check now and then.</summary>
    private static readonly TimeSpan OwnReportAfter = TimeSpan.FromSeconds(3);

    /// <summary>The same suspicion again, after a finding that was not "lost", only after a while.</summary>
    private static readonly TimeSpan SuspectAgainAfter = TimeSpan.FromSeconds(30);

    /// <summary>Witnesses and the site's own devices look at different moments; a line that comes back by itself is no reason to move.</summary>
    private static readonly TimeSpan AccessLostAfter = TimeSpan.FromSeconds(3);

    private DateTimeOffset _copyAgainAt;
    private DateTimeOffset? _accessLostSince;
    private DateTimeOffset _suspectAgainAt;
    private DateTimeOffset _createAgainAt;
    private string? _notYet;
    private bool _storedMirrorsHeard;
    private ProbeSession? _probe;

    private List<SystemEvent> Observe(DateTimeOffset now)
    {
        var (settings, machine) = (store.State.Settings!, store.State.Machine!);
        var (owner, copy) = (settings.At(machine.Owner.Site), settings.At(machine.CopySite));
        List<SystemEvent> said = [];
        if (machine.WakeAt is { } wake && now >= wake)
        {
            said.Add(new SystemEvent.TimePassed());
        }

        ObserveCopy(said, settings, machine, owner, copy, now);
        ObserveOwner(said, machine, owner, now);
        if (machine is { Phase: Phase.Fencing, Run: { Proof: not null, ClaimSent: false, Assessment: not null } weighed })
        {
            said.Add(new SystemEvent.TakeoverAssessed(weighed.Id, Assess(now)));
        }

        if (machine is { Phase: Phase.Fencing or Phase.NeedsOperator, Run: { Proof: null, LeasesStopped: true } unproven } && ReadBack(owner, machine, unproven, now) is { } proof)
        {
            said.Add(new SystemEvent.FencingProven(unproven.Id, proof));
        }

        if (machine is { Phase: Phase.Deciding, Run: { Assessment: { } known } run })
        {
            // While a person is awaited, the picture may change by itself.
            var fresh = Assess(now);
            if (fresh.NotYet != known.NotYet || fresh.PeerReady != known.PeerReady || fresh.Loss.IsWithin(settings.LossLimit) != known.Loss.IsWithin(settings.LossLimit))
            {
                said.Add(new SystemEvent.TakeoverAssessed(run.Id, fresh));
            }
        }

        return said;
    }

    /// <summary>Stored, because after a restart of both sides "stopped" must still be told from "not begun".</summary>
    private async Task NoteServingAsync()
    {
        var (settings, machine) = (store.State.Settings!, store.State.Machine!);
        var host = settings.At(machine.Owner.Site).Host;
        if (store.State.ServedEpoch != machine.Owner.Epoch && _seen.IsAlive(host) == true && _seen.HealthOf(host) is { Health.State: HealthState.Running } health && health.At > machine.Since)
        {
            await SaveAsync(store.State with { ServedEpoch = machine.Owner.Epoch });
        }
    }

    private void ObserveCopy(List<SystemEvent> said, SystemSettings settings, SystemState machine, SystemSite owner, SystemSite copy, DateTimeOffset now)
    {
        if (!settings.HasVolume())
        {
            if (_seen.IsAlive(copy.Host) == true)
            {
                said.Add(new SystemEvent.CopyConfigured());
                said.Add(new SystemEvent.PeerReturned());
                said.Add(new SystemEvent.CopyCurrent(machine.Owner.Epoch));
            }

            return;
        }

        var peerIsBack = copy.Appliance is { } appliance && _seen.IsAlive(appliance) == true;
        if (_seen.VolumeOf(owner.Appliance) is not { Status: { Role: VolumeRole.Primary } status } seen || status.Epoch != machine.Owner.Epoch)
        {
            return;
        }

        if (peerIsBack && machine.Phase == Phase.Unprotected && now >= _copyAgainAt)
        {
            said.Add(new SystemEvent.CopyConfigured());
        }

        if (peerIsBack && machine.Phase == Phase.FailedOver && now >= _copyAgainAt)
        {
            said.Add(new SystemEvent.PeerReturned());
        }

        if (status.Copies.FirstOrDefault(c => c.Peer == copy.Replication) is not { } link)
        {
            return;
        }

        switch (link.State)
        {
            case CopyState.Current:
                said.Add(new SystemEvent.CopyCurrent(machine.Owner.Epoch));
                break;
            case CopyState.Diverged:
                said.Add(new SystemEvent.CopyDiverged(link.Detail ?? "The copy has writes of its own."));
                break;
            case CopyState.Failed or CopyState.Seeding when now - seen.CopyStateSince > CopyTroubleAfter:
                _copyAgainAt = machine.Phase is Phase.Unprotected or Phase.FailedOver ? _copyAgainAt : now + CopyAgainAfter;
                said.Add(new SystemEvent.CopyLost(link.Detail ?? $"The copy is {link.State}."));
                break;
        }
    }

    private void ObserveOwner(List<SystemEvent> said, SystemState machine, SystemSite owner, DateTimeOffset now)
    {
        DeviceId[] devices = owner.Appliance is { } appliance && appliance != owner.Host ? [owner.Host, appliance] : [owner.Host];
        var silent = devices.Select(_seen.PresenceOf).OfType<PresenceChange>().FirstOrDefault(p => !p.Alive);
        var health = _seen.HealthOf(owner.Host);
        if (silent is not null)
        {
            if (_probe is null && now >= _suspectAgainAt)
            {
                said.Add(new SystemEvent.Suspected(silent.Phi, silent.Reason));
            }

            return;
        }

        if (devices.Any(d => _seen.IsAlive(d) != true) || health is not { } report)
        {
            return;
        }

        if (report.Health.State == HealthState.Running && AccessVerdict(owner, machine, report.At, now) is { } cut)
        {
            said.Add(new SystemEvent.Classified(cut));
            return;
        }

        if (report.Health.State == HealthState.Running)
        {
            if (_accessLostSince is null && machine.Phase is Phase.Suspect or Phase.Deciding or Phase.NeedsOperator && report.At > machine.Since)
            {
                _probe = null;
                said.Add(new SystemEvent.OwnerServes());
            }
        }
        else if (report.Health.State is HealthState.Failed or HealthState.Stopped && now - report.StateSince > OwnReportAfter && !_repairing && now >= _suspectAgainAt
            && store.State.ServedEpoch == machine.Owner.Epoch && machine.Phase is Phase.Protected or Phase.FailbackReady or Phase.OnTrial)
        {
            _suspectAgainAt = now + SuspectAgainAfter;
            said.Add(new SystemEvent.Classified(SuspicionClassifier.Classify(Facts(owner, 0, 0, null, now) with { OwnReportFailed = true })));
        }
    }

    /// <summary>
    /// The owner is heard and works, and its users outside cannot get in: no silence will ever tell, so it is looked for while all is well. Null while somebody gets in, and until the owner was
    /// heard running <see cref="AccessLostAfter"/> after they were shut out: one that has just died has said nothing since.
    /// </summary>
    private Verdict? AccessVerdict(SystemSite owner, SystemState machine, DateTimeOffset heardAt, DateTimeOffset now)
    {
        var verdict = SuspicionClassifier.Classify(Facts(owner, 0, 0, null, now));
        if (verdict.Scope != FaultScope.Access)
        {
            _accessLostSince = null;
            return null;
        }

        _accessLostSince ??= now;
        var isNews = machine.Phase is Phase.Protected or Phase.FailbackReady || (machine is { Phase: Phase.Deciding, Run.Verdict: var known } && known?.IndependentKinds != verdict.IndependentKinds);
        return isNews && heardAt - _accessLostSince >= AccessLostAfter ? verdict : null;
    }

    private void BeginProbing(DateTimeOffset until)
    {
        var owner = store.State.Settings!.At(store.State.Machine!.Owner.Site);
        DeviceId[] silent = [.. new[] { owner.Host, owner.Appliance }.OfType<DeviceId>().Distinct().Where(d => _seen.IsAlive(d) == false)];
        _probe ??= new ProbeSession(time.GetUtcNow(), until, silent.Length > 0 ? silent : [owner.Host]);
    }

    private void HearProbe(DeviceId device, SiteId site, CommandResult result)
    {
        if (store.State is not { Settings: { } settings, Machine: { } machine })
        {
            return;
        }

        if (_probe?.Hear(device) == true)
        {
            return;
        }

        if (result.Evidence.TryGetValue($"system:{Id}", out var said))
        {
            var report = new ReachReport { Target = $"system:{Id}", Reachable = said == "reachable", At = result.FinishedAt, Detail = said };
            _seen.Hear(device, site, machine.Owner.Site, report, time.GetUtcNow());
        }
    }

    /// <summary>Asks the suspect and its witnesses, and when the time is up says what was found.</summary>
    private async Task ProbeAsync(DateTimeOffset now)
    {
        if (_probe is not { } probe)
        {
            return;
        }

        var owner = store.State.Settings!.At(store.State.Machine!.Owner.Site);
        if (now >= probe.Until)
        {
            _probe = null;
            _suspectAgainAt = now + SuspectAgainAfter;
            await ApplyAsync(new SystemEvent.Classified(await FindAsync(owner, probe, now)));
            Pump();
            return;
        }

        if (now >= probe.NextAt)
        {
            probe.NextAt = now + ProbeSession.Period;
            probe.Sent++;
            foreach (var suspect in probe.Suspects)
            {
                await AskAsync(suspect, probe, now, []);
            }

            if (probe.Sent == 1)
            {
                foreach (var witness in _seen.WitnessesToAsk(owner.Host))
                {
                    await AskAsync(witness, probe, now, [$"system:{Id}"]);
                }
            }
        }
    }

    private Task AskAsync(DeviceId device, ProbeSession probe, DateTimeOffset now, IReadOnlyList<string> targets) =>
        GrainFactory.GetGrain<IDeviceGrain>(device.Value).ProbeAsync(Id, new ProbeTargets
        {
            Id = new CommandId($"{Id}.probe.{probe.StartedAt.ToUnixTimeMilliseconds()}.{device}.{probe.Sent}"),
            IssuedAt = now,
            Deadline = probe.Until,
            Targets = targets,
        }).WaitAsync(CallDeadline, time);

    private SuspicionFacts Facts(SystemSite owner, int sent, int answered, SiteView? site, DateTimeOffset now)
    {
        var others = site?.Members.Where(m => m != owner.Host && m != owner.Appliance).ToArray() ?? [];
        return new SuspicionFacts
        {
            Suspect = owner.Host,
            Now = now,
            Silent = _seen.IsAlive(owner.Host) == false || (owner.Appliance is { } a && _seen.IsAlive(a) == false),
            ProbesSent = sent,
            ProbesAnswered = answered,
            Witnesses = _seen.Witnesses,
            SiteReportsAccessLost = _seen.AccessLost(owner.Site, now),
            SiteDevices = others.Length,
            SiteDevicesSilent = site is null ? 0 : others.Count(site.Silent.Contains),
        };
    }

    /// <summary>Once in an activation, before anything is said of mirrors: what the activation before this one had heard is in the store of the volume's grain.</summary>
    private async Task HearStoredMirrorsAsync()
    {
        if (_storedMirrorsHeard || store.State.Settings?.Volume is not { } volume)
        {
            return;
        }

        try
        {
            _seen.Hear(await GrainFactory.GetGrain<IVolumeGrain>(volume).MirrorsAsync().WaitAsync(CallDeadline, time));
            _storedMirrorsHeard = true;
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            // Until it is heard no mirror counts as whole; the next round asks again.
            LogNotHeard(Id, exception.Message);
        }
    }

    /// <summary>One system that is lost is its own matter; a lost site goes over in its waves, at most one by itself in a block period.</summary>
    private async Task AskTurnAsync()
    {
        if (store.State.Machine is not { Phase: Phase.Deciding, Run: { Automatic: true, ApprovedBy: null, Verdict.Scope: FaultScope.Site } run })
        {
            _notYet = null;
            return;
        }

        try
        {
            _notYet = await GrainFactory.GetGrain<ISiteGrain>(run.From.Value).TurnAsync(Id).WaitAsync(CallDeadline, time);
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            _notYet = "The run of the whole site does not answer.";
        }
    }

    private Assessment Assess(DateTimeOffset now)
    {
        var (settings, machine) = (store.State.Settings!, store.State.Machine!);
        var (owner, copy) = (settings.At(machine.Owner.Site), settings.At(machine.CopySite));
        List<string> missing = [];
        if (_seen.IsAlive(copy.Host) != true)
        {
            missing.Add($"host {copy.Host} is not heard");
        }

        var loss = new PredictedLoss { Age = TimeSpan.Zero, Writes = 0, Basis = "The system has no volume." };
        if (settings.HasVolume())
        {
            if (copy.Appliance is not { } appliance || _seen.IsAlive(appliance) != true)
            {
                missing.Add($"appliance {copy.Appliance} is not heard");
            }

            var (mine, theirs) = (_seen.VolumeOf(owner.Appliance), _seen.VolumeOf(copy.Appliance));
            if (theirs is not { Status.Fault: null })
            {
                missing.Add(theirs is null ? $"no copy of {settings.Volume} is reported at {copy.Site}" : $"the copy at {copy.Site} has a fault: {theirs.Value.Status.Fault}");
            }

            // A silent owner answers nobody after its lease, and that was renewed for the last time when it was last granted.
            // Until then it may go on, unheard by us, so what it answers until then counts as lost.
            var alive = owner.Appliance is { } a && _seen.IsAlive(a) == true;
            var lostAt = !alive && settings.Lease ? _lastGrant + settings.LeaseTtl : now;

            // What was stored counts as much as what was heard, so that a report of before, which comes late or after a restart of ours, says nothing.
            var whole = settings.CopyMode == CopyMode.Sync && _storedMirrorsHeard && mine is not null && _seen.IsWhole(copy.Replication, machine.Owner.Epoch);
            loss = machine.Run is { Proof: { Kind: FencingProofKind.OwnerStopped, LastSequence: { } last } } && theirs?.Status is { Fault: null } copied && copied.Durable >= last
                ? PredictedLoss.None(last)
                : PredictedLoss.Between(mine?.Status.Appended, mine?.At, theirs?.Status.Durable, theirs?.Status.CurrentAsOf, lostAt, whole);
        }

        return new Assessment
        {
            NotYet = _notYet,
            Loss = loss,
            PeerReady = missing.Count == 0,
            NotReady = missing.Count == 0 ? null : string.Join("; ", missing),
            InstanceRuns = _seen.IsAlive(copy.Host) == true && _seen.HealthOf(copy.Host) is { Health.State: HealthState.Running },
            At = now,
        };
    }

    /// <summary>What the old owner's store says of itself: it has seen the number to come and is no primary, so it refuses every write of before. No older report can say that.</summary>
    private FencingProof? ReadBack(SystemSite owner, SystemState machine, LiveRun run, DateTimeOffset now) =>
        _seen.VolumeOf(owner.Appliance) is { Status: { Role: not VolumeRole.Primary } status } && status.Epoch >= run.Epoch && run.From == owner.Site
            ? Runs.Proof(machine, FencingProofKind.StoreRefuses, $"{owner.Appliance}: {status.Name} is {status.Role} and has seen epoch {status.Epoch}", status.Durable, now)
            : null;

    /// <summary>The beginning: the volume is made at the owner as configured. Asked again until the appliance reports it.</summary>
    private async Task SetUpAsync(DateTimeOffset now)
    {
        var (settings, machine) = (store.State.Settings!, store.State.Machine!);
        if (machine.Phase != Phase.Unprotected || machine.Run is not null || settings is not { Volume: { } volume, VolumeSizeBytes: { } size }
            || settings.At(machine.Owner.Site).Appliance is not { } appliance || _seen.IsAlive(appliance) != true
            || _seen.VolumeOf(appliance) is not null || now < _createAgainAt)
        {
            return;
        }

        _createAgainAt = now + TimeSpan.FromSeconds(10);
        await GrainFactory.GetGrain<IDeviceGrain>(appliance.Value).SendAsync(new CreateVolume
        {
            Id = new CommandId($"{Id}.create.{now.ToUnixTimeSeconds() / 10}"),
            IssuedAt = now,
            Deadline = now + TimeSpan.FromSeconds(30),
            System = Id,
            Epoch = machine.Owner.Epoch,
            Volume = volume,
            SizeBytes = size,
        }).WaitAsync(CallDeadline, time);
    }

    [LoggerMessage(3016, LogLevel.Warning, "System {SystemId}: what is stored of its mirrors could not be read: {Reason}")]
    private partial void LogNotHeard(SystemId systemId, string reason);
}
