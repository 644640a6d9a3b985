using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Grains;

/// <summary>The executors. Each effect stays in the state until it is handed over; all of them are idempotent.</summary>
internal sealed partial class BusinessSystemGrain
{
    private const string RepairStep = "repair";
    private const string RepairStopStep = "repair-stop";
    private const string RepairAgainStep = "repair-again";
    private const string RepairNetworkStep = "repair-network";

    /// <summary>Carries out what is owed; false when something has to wait for the next tick.</summary>
    private async Task<bool> ActAsync()
    {
        // The first note of a run opens its journal, which must be there before its steps.
        await FlushNotesAsync();
        while (store.State.Effects.Count > 0)
        {
            var effect = store.State.Effects[0];
            if (!await CarryOutAsync(effect))
            {
                return false;
            }

            CrashPoints.Pass("sent", effect);
            store.State = store.State with { Effects = [.. store.State.Effects.Skip(1)] };
        }

        return true;
    }

    private async Task<bool> CarryOutAsync(SystemEffect effect)
    {
        switch (effect)
        {
            case SystemEffect.RunStep step:
                await SendAsync(step);
                return true;
            case SystemEffect.ClaimOwnership claim:
                await ClaimAsync(claim);
                return true;
            case SystemEffect.StopLeases stop:
                _fencing = true;
                await ledger.FenceAsync(Id, stop.Epoch, CancellationToken.None);
                _inbox.Enqueue(new SystemEvent.LeasesStopped(stop.Run, _watch.LastGrant));
                return true;
            case SystemEffect.ProbeOwner probe:
                _watch.BeginProbing(store.State.Settings!, store.State.Machine!, probe.Until, time.GetUtcNow());
                return true;
            case SystemEffect.AssessTakeover assess:
                _inbox.Enqueue(new SystemEvent.TakeoverAssessed(assess.Run, _watch.Assess(store.State.Settings!, store.State.Machine!, time.GetUtcNow())));
                return true;
            case SystemEffect.RepairLocally repair:
                await RepairAsync(repair);
                return true;
            default:
                return true;
        }
    }

    private async Task SendAsync(SystemEffect.RunStep step)
    {
        var settings = store.State.Settings!;
        var now = time.GetUtcNow();
        if (!settings.HasVolume() && step.Key.Step == StepKind.StartCopy)
        {
            return; // Nothing to copy; the observation says "current".
        }

        var (device, command, reason) = StepCommands.For(step, settings, store.State.FinalPoint, now);
        var inRun = store.State.Machine!.Run?.Id == step.Key.Run;
        if (inRun)
        {
            await GrainFactory.GetGrain<IRunGrain>(step.Key.Run.Value).BeginAsync(new StepIntent
            {
                Step = step.Key.Step.ToString(),
                Target = step.Key.Target.Value,
                Intent = StepCommands.Intent(step.Key.Step, step.Key.Target),
                Epoch = step.Epoch,
                Attempt = step.Attempt,
            });
        }

        if (command is null)
        {
            if (inRun)
            {
                await GrainFactory.GetGrain<IRunGrain>(step.Key.Run.Value).EndAsync(step.Key.Step.ToString(), step.Key.Target.Value, StepState.Failed, reason, new Dictionary<string, string>());
            }

            _inbox.Enqueue(new SystemEvent.StepFailed(step.Key, step.Attempt, reason!, Fenced: false));
            return;
        }

        await GrainFactory.GetGrain<IDeviceGrain>(device!.Value.Value).SendAsync(command).WaitAsync(CallDeadline, time);
    }

    private async Task ClaimAsync(SystemEffect.ClaimOwnership claim)
    {
        var run = GrainFactory.GetGrain<IRunGrain>(claim.Run.Value);
        var (step, target) = (nameof(StepKind.ClaimOwnership), claim.Wanted.Site.Value);
        await run.BeginAsync(new StepIntent { Step = step, Target = target, Intent = StepCommands.Intent(StepKind.ClaimOwnership, claim.Wanted.Site), Epoch = claim.Wanted.Epoch });
        var result = await ledger.ClaimAsync(Id, claim.Expected, claim.Wanted, CancellationToken.None);
        LogClaim(Id, claim.Wanted, result.Claimed, result.Actual);
        await run.EndAsync(
            step,
            target,
            result.Claimed ? StepState.Done : StepState.Failed,
            result.Claimed ? $"Epoch {claim.Wanted.Epoch} is {claim.Wanted.Site}'s." : $"The ledger has epoch {result.Actual.Epoch} at {result.Actual.Site}.",
            new Dictionary<string, string> { ["proof"] = claim.Proof.Kind.ToString(), ["provenBy"] = claim.Proof.By });
        _inbox.Enqueue(result.Claimed ? new SystemEvent.OwnershipClaimed(claim.Run, result.Actual) : new SystemEvent.OwnershipMoved(result.Actual));
    }

    /// <summary>Inside the site there is one host: start what should run, where it is; the start ends with every check. The epoch does not change.</summary>
    private Task RepairAsync(SystemEffect.RepairLocally repair)
    {
        _watch.Repairing = true;
        var now = time.GetUtcNow();
        return GrainFactory.GetGrain<IDeviceGrain>(store.State.Settings!.At(repair.Site).Host.Value).SendAsync(new StartSystem
        {
            Id = new CommandId($"{Id}.repair.{store.State.Transitions}"),
            IssuedAt = now,
            Deadline = now + Budgets.Of(Phase.Starting),
            System = Id,
            Epoch = repair.Epoch,
            Step = RepairStep,
        }).WaitAsync(CallDeadline, time);
    }

    /// <summary>
    /// A start that does not help is no help against a program that hangs: it is stopped, by force if need be, and started anew. Then the site has tried what it can. What runs again gets its way in back, which a
    /// machine that lost its power has forgotten (an address); that it cannot be brought is no fault of the system: the witnesses tell whether users get in.
    /// </summary>
    private async Task RepairedAsync(DeviceCommand command, CommandResult result)
    {
        if (store.State is not { Settings: { } settings, Machine: { } machine } || machine.Owner.Epoch != command.Epoch || result.Outcome == CommandOutcome.Expired)
        {
            // An answer about an owner of before says nothing of the present one, and an order that nobody took is no repair that failed: the host says how it is when it is heard.
            _watch.Repairing = false;
            return;
        }

        var done = result.Outcome == CommandOutcome.Done;
        var now = time.GetUtcNow();
        var deadline = now + Budgets.Of(Phase.Starting);
        DeviceCommand? more = (command.Step, done) switch
        {
            (RepairStep, false) => new StopSystem { Id = Next("stop"), IssuedAt = now, Deadline = deadline, System = Id, Epoch = command.Epoch, Step = RepairStopStep },
            (RepairStopStep, true) => new StartSystem { Id = Next("again"), IssuedAt = now, Deadline = deadline, System = Id, Epoch = command.Epoch, Step = RepairAgainStep },
            (RepairStep or RepairAgainStep, true) => new ApplyNetwork { Id = Next("network"), IssuedAt = now, Deadline = deadline, System = Id, Epoch = command.Epoch, Step = RepairNetworkStep, Present = true },
            _ => null,
        };
        if (command.Step == RepairNetworkStep && !done)
        {
            LogNoNetwork(Id, machine.Owner.Site, result.Detail);
        }

        if (more is null)
        {
            _watch.Repairing = false;
            _inbox.Enqueue(done || command.Step == RepairNetworkStep ? new SystemEvent.OwnerServes() : new SystemEvent.LocalRepairExhausted(result.Detail ?? "Starting it again failed."));
        }
        else
        {
            await GrainFactory.GetGrain<IDeviceGrain>(settings.At(machine.Owner.Site).Host.Value).SendAsync(more).WaitAsync(CallDeadline, time);
        }

        CommandId Next(string what) => new($"{command.Id}.{what}");
    }

    /// <summary>Everybody who holds something of this system learns who owns it: devices refuse older epochs, points are taken at the owner.</summary>
    private async Task TellOwnershipAsync()
    {
        if (store.State is not { Settings: { } settings, Machine: { } machine })
        {
            return;
        }

        SystemSite[] sites = [settings.HomeSite, settings.PeerSite];
        foreach (var device in sites.SelectMany(s => new[] { s.Host, s.Appliance ?? s.Host }).Distinct())
        {
            await GrainFactory.GetGrain<IDeviceGrain>(device.Value).OnOwnershipAsync(Id, machine.Owner.Epoch).WaitAsync(CallDeadline, time);
        }

        if (settings is { Volume: { } volume } && settings.At(machine.Owner.Site).Appliance is { } appliance)
        {
            await GrainFactory.GetGrain<IVolumeGrain>(volume).OwnedByAsync(appliance, machine.Owner.Epoch);
        }
    }
}
