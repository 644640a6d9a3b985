using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Observing;

namespace Dr.Silo.Grains;

/// <summary>What is asked of devices and of other grains, so that <see cref="SystemWatch"/> can tell the machine what there is to see.</summary>
internal sealed partial class BusinessSystemGrain
{
    private DateTimeOffset _createAgainAt;

    /// <summary>Stored, because after a restart of both sides "stopped" must still be told from "not begun".</summary>
    private async Task NoteServingAsync()
    {
        var machine = store.State.Machine!;
        if (store.State.ServedEpoch != machine.Owner.Epoch && _watch.HearsServing(store.State.Settings!, machine))
        {
            await SaveAsync(store.State with { ServedEpoch = machine.Owner.Epoch });
        }
    }

    private void HearProbe(DeviceId device, SiteId site, CommandResult result)
    {
        if (store.State is not { Settings: { } settings, Machine: { } machine })
        {
            return;
        }

        if (_watch.Probe?.Hear(device) == true)
        {
            return;
        }

        var target = $"system:{Id}";
        if (result.Evidence.TryGetValue(target, out var said))
        {
            _watch.Seen.Hear(device, site, machine, ReachEvidence.Read(target, said, result.FinishedAt), time.GetUtcNow());
        }
    }

    /// <summary>Asks the suspect and its witnesses, and when the time is up says what was found.</summary>
    private async Task ProbeAsync(DateTimeOffset now)
    {
        // What was observed a moment ago may have ended the suspicion that the round is about.
        if (store.State.Machine is not { } machine || _watch.RoundFor(machine) is not { } probe)
        {
            return;
        }

        var owner = store.State.Settings!.At(machine.Owner.Site);
        if (now >= probe.Until)
        {
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

            if (probe.WitnessesAreDue(_watch.GateShutAt(store.State.Settings, machine), now))
            {
                probe.WitnessesAskedAt = now;
                foreach (var witness in _watch.Seen.WitnessesToAsk(owner.Host))
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

    /// <summary>Once in an activation, before anything is said of mirrors: what the activation before this one had heard is in the store of the volume's grain.</summary>
    private async Task HearStoredMirrorsAsync()
    {
        if (_watch.StoredMirrorsHeard || store.State.Settings?.Volume is not { } volume)
        {
            return;
        }

        try
        {
            _watch.Seen.Hear(await GrainFactory.GetGrain<IVolumeGrain>(volume).MirrorsAsync().WaitAsync(CallDeadline, time));
            _watch.StoredMirrorsHeard = true;
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
            _watch.NotYet = null;
            return;
        }

        try
        {
            _watch.NotYet = await GrainFactory.GetGrain<ISiteGrain>(run.From.Value).TurnAsync(Id).WaitAsync(CallDeadline, time);
        }
        catch (Exception exception) when (exception is TimeoutException or OrleansException)
        {
            _watch.NotYet = "The run of the whole site does not answer.";
        }
    }

    /// <summary>The beginning: the volume is made at the owner as configured. Asked again until the appliance reports it.</summary>
    private async Task SetUpAsync(DateTimeOffset now)
    {
        var (settings, machine) = (store.State.Settings!, store.State.Machine!);
        if (machine.Phase != Phase.Unprotected || machine.Run is not null || settings is not { Volume: { } volume, VolumeSizeBytes: { } size }
            || settings.At(machine.Owner.Site).Appliance is not { } appliance || _watch.Seen.IsAlive(appliance) != true
            || _watch.Seen.VolumeOf(appliance) is not null || now < _createAgainAt)
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
}
