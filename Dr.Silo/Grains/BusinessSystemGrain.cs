using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Observing;
using Dr.Silo.Storage;
using Orleans.Runtime;
using Orleans.Storage;

namespace Dr.Silo.Grains;

/// <summary>
/// One business system: hears, asks the machine, persists, then acts.
/// <list type="bullet">
/// <item>Reports only change memory; one loop, never two at once, turns them into events for the machine.</item>
/// <item>State, effects, audit and journal notes are written in one piece before anything acts.</item>
/// <item>The ledger's row, not this activation, decides who owns and who grants leases.</item>
/// </list>
/// </summary>
[GrainType("system")]
internal sealed partial class BusinessSystemGrain(
    [PersistentState("system")] IPersistentState<SystemRecord> store,
    OwnershipLedger ledger,
    AuditLog audit,
    EventLog events,
    RunJournal journal,
    ControlPlaneTraits traits,
    ObserverHealth observer,
    EvidenceStore evidence,
    TimeProvider time,
    ILogger<BusinessSystemGrain> logger) : Grain, IBusinessSystemGrain, IRemindable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(5);

    private readonly SystemWatch _watch = new();
    private readonly Queue<SystemEvent> _inbox = [];
    private readonly string _granter = Guid.NewGuid().ToString("N");
    private IGrainTimer? _pump;
    private DateTimeOffset _activatedAt;
    private TimeSpan? _longestGrant;
    private bool _fencing;
    private bool _isGranter;

    private SystemId Id => new(this.GetPrimaryKeyString());

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // Another activation may have granted a lease up to this very moment.
        _watch.LastGrant = _activatedAt = time.GetUtcNow();
        _pump = this.RegisterGrainTimer(PumpAsync, new GrainTimerCreationOptions(TimeSpan.Zero, Tick) { KeepAlive = true });
        this.RegisterGrainTimer(AskPresenceAsync, new GrainTimerCreationOptions(TimeSpan.Zero, AskPeriod) { KeepAlive = true, Interleave = true });
        if (store.State.Machine is not null)
        {
            await TakeUpAsync(cancellationToken);
        }
    }

    public async Task ConfigureAsync(SystemSettings settings)
    {
        if (settings.PolicyVersion < store.State.Settings?.PolicyVersion)
        {
            // A silo that starts may have read the policies just before they were changed.
            return;
        }

        var rules = TakeoverRules.Of(settings);
        if (store.State.Machine is not { } machine)
        {
            var entry = await ledger.EnsureAsync(Id, settings.Home, CancellationToken.None);
            await SaveAsync(store.State with { Settings = settings, Machine = SystemState.New(Id, rules, entry.Owner, time.GetUtcNow()) });
            await TakeUpAsync(CancellationToken.None);
        }
        else if (store.State.Settings != settings || machine.Rules != rules)
        {
            // Before the moment that the former rules end at: a renewal that reads them now grants no longer one.
            _longestGrant = settings.LeaseTtl;
            await SaveAsync(store.State with { Settings = settings, Machine = machine.Under(rules, store.State.Settings!.LeaseTtl, time.GetUtcNow()) });
        }

        if (traits.Reminders)
        {
            // Only to wake this grain on another silo when its own is lost; the deadlines are in the state.
            await this.RegisterOrUpdateReminder("wake", TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(1));
        }

        _followersKnow = null; // There may be new ones.
        TellFollowers();
        await TellOwnershipAsync();
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => WakeAsync();

    public Task WakeAsync()
    {
        Pump();
        return Task.CompletedTask;
    }

    public Task OnPresenceAsync(PresenceChange change)
    {
        _watch.Seen.Hear(change);
        Pump();
        return Task.CompletedTask;
    }

    public Task OnHealthAsync(DeviceId host, SystemHealth health)
    {
        _watch.Seen.Hear(host, health, time.GetUtcNow());
        return Task.CompletedTask;
    }

    public Task OnReachAsync(DeviceId witness, SiteId site, ReachReport report)
    {
        if (report.Target == SystemObservations.Outside)
        {
            _watch.Seen.HearOutside(witness, site, report.Reachable, time.GetUtcNow());
        }
        else if (store.State.Machine is { } machine)
        {
            _watch.Seen.Hear(witness, site, machine, report, time.GetUtcNow());
        }

        return Task.CompletedTask;
    }

    public Task OnVolumeAsync(DeviceId appliance, VolumeStatus status)
    {
        if (store.State.Settings is { } settings && status.Name == settings.Volume)
        {
            _watch.Seen.Hear(appliance, status, time.GetUtcNow());
        }

        return Task.CompletedTask;
    }

    public Task OnResultAsync(DeviceId device, DeviceCommand command, CommandResult result)
    {
        _results.Enqueue((command, result));
        Pump();
        return Task.CompletedTask;
    }

    public Task OnProbeAsync(DeviceId device, SiteId site, CommandResult result)
    {
        HearProbe(device, site, result);
        return Task.CompletedTask;
    }

    public async Task<LeaseGrant> RenewLeaseAsync(DeviceId device, LeaseRequest request)
    {
        if (store.State is not { Settings: { } settings, Machine: { } machine })
        {
            return new LeaseGrant { System = request.System, Epoch = Epoch.None, Granted = false };
        }

        var site = settings.At(machine.Owner.Site);
        var isOwner = (site.Appliance == device || site.Host == device) && request.Epoch == machine.Owner.Epoch;
        if (isOwner)
        {
            _watch.HearLease(request, time.GetUtcNow());
        }

        var mine = isOwner && LeaseClock.MayGrant(machine, site.Site, request.Epoch);
        if (mine)
        {
            // Before the ledger is read: if fencing commits while we wait for the answer, this is what its clock has to count from.
            _watch.LastGrant = time.GetUtcNow();
        }

        var entry = await ledger.ReadAsync(Id, CancellationToken.None);
        var granted = mine && !_fencing && LeaseClock.MayGrant(machine, entry, _granter, request.Epoch);
        return new LeaseGrant { System = Id, Epoch = entry?.Owner.Epoch ?? machine.Owner.Epoch, Granted = granted, Ttl = Ttl(settings) };
    }

    private TimeSpan Ttl(SystemSettings settings) => _longestGrant < settings.LeaseTtl ? _longestGrant.Value : settings.LeaseTtl;

    /// <summary>After an activation: become the granter, believe the ledger, and go on with what was open.</summary>
    private async Task TakeUpAsync(CancellationToken cancellationToken)
    {
        _isGranter = await ledger.BecomeGranterAsync(Id, _granter, cancellationToken);
        _watch.LastGrant = time.GetUtcNow();
        if (store.State.Machine is not { } machine || await ledger.ReadAsync(Id, cancellationToken) is not { } entry)
        {
            return;
        }

        _fencing = entry.Fencing;
        if (Resumption.EventOf(machine, entry) is { } news)
        {
            _inbox.Enqueue(news);
        }

        if (Resumption.EffectOf(machine) is { } owed)
        {
            await SaveAsync(store.State with { Effects = [.. store.State.Effects, owed] });
        }

        if (machine.Phase == Phase.Suspect)
        {
            _watch.BeginProbing(store.State.Settings!, machine, time.GetUtcNow() + Budgets.Probing, time.GetUtcNow());
        }

        LogTakenUp(Id, machine.Phase, machine.Owner.Epoch, machine.Run?.Id.Value ?? "none");
    }

    private void Pump() => _pump?.Change(TimeSpan.Zero, Tick);

    private Task SaveAsync(SystemRecord record) => store.SaveAsync(record, onConflict: () =>
    {
        LogConflict(Id);
        DeactivateOnIdle();
    });
}
