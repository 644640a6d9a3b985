using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Grains;

/// <summary>What people see. Conditions are said from what is heard, never from the phase.</summary>
internal sealed partial class BusinessSystemGrain
{
    private readonly Dictionary<string, (bool? Holds, DateTimeOffset Since)> _conditionSince = [];

    public async Task<SystemView?> GetAsync()
    {
        if (store.State is not { Settings: { } settings, Machine: { } machine })
        {
            return null;
        }

        var now = time.GetUtcNow();
        var copy = settings.At(machine.CopySite);
        var owner = settings.At(machine.Owner.Site);
        var (mine, theirs) = (_watch.Seen.VolumeOf(owner.Appliance), _watch.Seen.VolumeOf(copy.Appliance));
        double? age = theirs is { Status.CurrentAsOf: { } asOf, At: var at }
            ? Math.Max(0, ((_watch.Seen.IsAlive(copy.Appliance!.Value) == true ? at : now) - asOf).TotalSeconds)
            : null;
        var loss = settings.HasVolume() ? LossNow(now) : TimeSpan.Zero;
        return new SystemView
        {
            Id = Id,
            Name = settings.Name,
            Class = settings.Class,
            Phase = machine.Phase.ToString(),
            PhaseSince = machine.Since,
            Step = StepText(machine),
            Conditions =
            [
                Serving(owner, now),
                DataProtected(settings, owner, copy, age, now),
                PeerReady(settings, copy, theirs?.Status, now),
                Condition("Fenced", _fencing, _fencing ? "No lease is granted." : "Leases are granted to the owner.", now),
            ],
            Epoch = machine.Owner.Epoch,
            Site = machine.Owner.Site,
            Home = settings.Home,
            Peer = settings.Opposite(settings.Home).Site,
            DataAgeSeconds = age,
            Points = mine?.Status.PointCount ?? theirs?.Status.PointCount ?? 0,
            NewestPoint = mine?.Status.NewestPoint ?? theirs?.Status.NewestPoint,
            LiveRun = machine.Run is { } run ? await journal.ReadAsync(run.Id, CancellationToken.None) : null,
            PredictedLossSeconds = loss?.TotalSeconds,
            ForecastSeconds = store.State.LastTakeoverSeconds,
            Volume = settings.Volume,
            Reason = string.Join(' ', FailoverMachine.WaitsFor(machine, now).Prepend(machine.Run?.Trouble ?? machine.Reason)) is { Length: > 0 } reason ? reason : null,
            Components = _watch.Seen.HealthOf(owner.Host)?.Health.Components ?? [],
            Until = machine.Phase is Phase.Deciding or Phase.Fencing or Phase.OnTrial or Phase.Held ? machine.WakeAt : null,
            LossLimitSeconds = settings.LossLimit.TotalSeconds,
        };
    }

    public Task<SystemStanding?> StandingAsync() => Task.FromResult(store.State.Machine is not { } machine
        ? null
        : new SystemStanding
        {
            Phase = machine.Phase.ToString(),
            Site = machine.Owner.Site,
            RunLive = machine.Run is not null,
            WaitsForPerson = machine.Phase == Phase.NeedsOperator || (machine is { Phase: Phase.Deciding, Run.Assessment: { NotYet: null } } && TransitionNotes.StateOf(machine) == RunState.WaitingForApproval),
            HasMoved = machine.Phase is Phase.OnTrial or Phase.FailedOver or Phase.Reversing or Phase.FailbackReady or Phase.Protected or Phase.Seeding || machine.Run is { Claimed: true, Pending: null },
            Reason = machine.Run?.Trouble ?? machine.Reason,
        });

    private TimeSpan? LossNow(DateTimeOffset now) => _watch.Assess(store.State.Settings!, store.State.Machine!, now).Loss.Age;

    private static string? StepText(SystemState machine) => machine.Run switch
    {
        { Pending: { } step } run => $"{step.Step} at {step.Target}{(run.Attempt > 1 ? $", attempt {run.Attempt}" : "")}",
        { ClaimSent: true, Claimed: false } => "ClaimOwnership",
        _ => machine.Phase switch
        {
            Phase.Suspect => "Probing the owner and asking witnesses",
            Phase.Deciding => "Waiting for a decision",
            Phase.Fencing => "Waiting until the old owner cannot write",
            Phase.Seeding or Phase.Reversing => "Copying to the other site",
            _ => null,
        },
    };

    private Condition Serving(SystemSite owner, DateTimeOffset now)
    {
        if (_watch.Seen.HealthOf(owner.Host) is not { } report)
        {
            return Condition("Serving", _watch.Seen.IsAlive(owner.Host) == false ? false : null, $"Host {owner.Host} has not reported on it.", now);
        }

        if (_watch.Seen.IsAlive(owner.Host) == false)
        {
            return Condition("Serving", false, $"Host {owner.Host} is silent since {_watch.Seen.PresenceOf(owner.Host)!.LastHeard:HH:mm:ss}.", now);
        }

        var failed = report.Health.Components.FirstOrDefault(c => c.State is not HealthState.Running);
        return Condition("Serving", report.Health.State == HealthState.Running,
            report.Health.State == HealthState.Running ? $"All components run at {owner.Site}." : $"{report.Health.State} at {owner.Site}{(failed is null ? "." : $": {failed.Name} {failed.Detail}")}", now);
    }

    private Condition DataProtected(SystemSettings settings, SystemSite owner, SystemSite copy, double? age, DateTimeOffset now)
    {
        if (!settings.HasVolume())
        {
            return Condition("DataProtected", true, "It has no data of its own.", now);
        }

        var link = _watch.Seen.VolumeOf(owner.Appliance)?.Status.Copies.FirstOrDefault(c => c.Peer == copy.Replication);
        return link is null
            ? Condition("DataProtected", false, $"No copy from {owner.Site} to {copy.Site} is under way.", now)
            : Condition("DataProtected", link.State == CopyState.Current && (age is null || age <= settings.LossLimit.TotalSeconds),
                $"The copy at {copy.Site} is {link.State}{(age is { } a ? $", {a:F1} s behind" : "")}{(link.Detail is { } d ? $": {d}" : ".")}", now);
    }

    private Condition PeerReady(SystemSettings settings, SystemSite copy, VolumeStatus? volume, DateTimeOffset now)
    {
        if (_watch.Seen.IsAlive(copy.Host) != true || (copy.Appliance is { } a && _watch.Seen.IsAlive(a) != true))
        {
            return Condition("PeerReady", false, $"{copy.Site} is not heard.", now);
        }

        return settings.HasVolume() && volume is not { Fault: null }
            ? Condition("PeerReady", false, volume?.Fault ?? $"{copy.Site} holds no copy.", now)
            : Condition("PeerReady", true, $"Host and copy at {copy.Site} answer.", now);
    }

    private Condition Condition(string kind, bool? holds, string reason, DateTimeOffset now)
    {
        if (!_conditionSince.TryGetValue(kind, out var was) || was.Holds != holds)
        {
            _conditionSince[kind] = was = (holds, now);
        }

        return new Condition { Kind = kind, Holds = holds, Reason = reason, Since = was.Since };
    }
}
