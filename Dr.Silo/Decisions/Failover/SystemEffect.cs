namespace Dr.Silo.Decisions.Failover;

/// <summary>Who carries an effect out.</summary>
public enum ExecutorKind
{
    /// <summary>A command to the device that runs the system's components.</summary>
    Host,

    /// <summary>A command to the device that holds the system's volume.</summary>
    Appliance,

    /// <summary>The compare-and-swap in the store.</summary>
    Ledger,

    /// <summary>Whoever grants serving leases.</summary>
    Leases,

    /// <summary>Probes, witnesses and the volumes' reports: asked, never commanded.</summary>
    Observer,

    /// <summary>The small machine inside the site.</summary>
    LocalRepair,

    Alerts,
}

/// <summary>
/// What has to be done after the state was persisted. Data, so it can be stored, sent again and asserted on; every executor is idempotent.
/// The machine never relies on an effect having happened: it waits for the event that says so.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.SystemEffect")]
public abstract record SystemEffect
{
    public string Name => GetType().Name;

    public abstract ExecutorKind Executor { get; }

    /// <summary>
    /// One step of a run at one site, under <see cref="Epoch"/>. Answer: <see cref="SystemEvent.StepDone"/> or <see cref="SystemEvent.StepFailed"/> with the same
    /// key. The command id is <c>key/attempt</c>; an executor that finds the work done already answers done.
    /// </summary>
    [GenerateSerializer, Immutable, Alias("dr.fx.RunStep")]
    public sealed record RunStep : SystemEffect
    {
        [Id(0)] public required StepKey Key { get; init; }

        [Id(1)] public required Epoch Epoch { get; init; }

        [Id(2)] public required int Attempt { get; init; }

        [Id(3)] public required DateTimeOffset Deadline { get; init; }

        /// <summary>Copy steps: the site at the other end.</summary>
        [Id(4)] public SiteId? Other { get; init; }

        /// <summary>The lease a promoted copy writes under from now; null = none is needed.</summary>
        [Id(5)] public TimeSpan? LeaseTtl { get; init; }

        /// <summary>Nobody waits for the answer: the site may be dead.</summary>
        [Id(6)] public bool BestEffort { get; init; }

        /// <summary>False: take the network actions away instead of bringing them.</summary>
        [Id(7)] public bool Present { get; init; } = true;

        public CommandId CommandId => new($"{Key.Run}.{Key.Step}.{Key.Target}.{Attempt}");

        public override ExecutorKind Executor => ExecutorOf(Key.Step);

        /// <summary>The executor of every kind of step; <see cref="StepKind.ClaimOwnership"/> has an effect of its own.</summary>
        public static ExecutorKind ExecutorOf(StepKind step) => step switch
        {
            StepKind.StopSystem or StepKind.StartSystem or StepKind.CheckSystem or StepKind.ApplyNetwork => ExecutorKind.Host,
            StepKind.FenceOwner => ExecutorKind.Host,
            StepKind.StartDrill or StepKind.CheckDrill => ExecutorKind.Host,
            StepKind.DemoteCopy or StepKind.PromoteCopy or StepKind.StartCopy or StepKind.SyncCopy or StepKind.DigestCopy => ExecutorKind.Appliance,
            StepKind.CloneForDrill or StepKind.CleanDrill => ExecutorKind.Appliance,
            StepKind.ClaimOwnership => ExecutorKind.Ledger,
            _ => throw new ArgumentOutOfRangeException(nameof(step), step, "A step without an executor."),
        };
    }

    /// <summary>
    /// Set the record to <see cref="Wanted"/> if it is still <see cref="Expected"/>; finding <see cref="Wanted"/> there already is success. Answer:
    /// <see cref="SystemEvent.OwnershipClaimed"/> or <see cref="SystemEvent.OwnershipMoved"/>.
    /// </summary>
    [GenerateSerializer, Immutable, Alias("dr.fx.ClaimOwnership")]
    public sealed record ClaimOwnership : SystemEffect
    {
        [Id(0)] public required RunId Run { get; init; }

        [Id(1)] public required Ownership Expected { get; init; }

        [Id(2)] public required Ownership Wanted { get; init; }

        [Id(3)] public required FencingProof Proof { get; init; }

        public override ExecutorKind Executor => ExecutorKind.Ledger;
    }

    /// <summary>Grant no more leases to the owner. Answer: <see cref="SystemEvent.LeasesStopped"/>.</summary>
    [GenerateSerializer, Immutable, Alias("dr.fx.StopLeases")]
    public sealed record StopLeases([property: Id(0)] RunId Run, [property: Id(1)] Epoch Epoch) : SystemEffect
    {
        public override ExecutorKind Executor => ExecutorKind.Leases;
    }

    /// <summary>Probe the owner (1 s for 5 s), ask 7–15 witnesses on distinct paths. Answer: <see cref="SystemEvent.Classified"/> or <see cref="SystemEvent.OwnerServes"/>.</summary>
    [GenerateSerializer, Immutable, Alias("dr.fx.ProbeOwner")]
    public sealed record ProbeOwner([property: Id(0)] SiteId Site, [property: Id(1)] DateTimeOffset Until) : SystemEffect
    {
        public override ExecutorKind Executor => ExecutorKind.Observer;
    }

    /// <summary>Compare the owner's last position with the copy's and ask whether the other site can carry the system. Answer: <see cref="SystemEvent.TakeoverAssessed"/>.</summary>
    [GenerateSerializer, Immutable, Alias("dr.fx.AssessTakeover")]
    public sealed record AssessTakeover([property: Id(0)] RunId Run, [property: Id(1)] SiteId From, [property: Id(2)] SiteId To) : SystemEffect
    {
        public override ExecutorKind Executor => ExecutorKind.Observer;
    }

    /// <summary>The fault is inside the site: restart, standby, mirror. Answer: <see cref="SystemEvent.OwnerServes"/> or <see cref="SystemEvent.LocalRepairExhausted"/>.</summary>
    [GenerateSerializer, Immutable, Alias("dr.fx.RepairLocally")]
    public sealed record RepairLocally([property: Id(0)] SiteId Site, [property: Id(1)] Epoch Epoch, [property: Id(2)] string Reason) : SystemEffect
    {
        public override ExecutorKind Executor => ExecutorKind.LocalRepair;
    }

    /// <summary>Raised once per cause; the same key again only raises the severity.</summary>
    [GenerateSerializer, Immutable, Alias("dr.fx.RaiseAlert")]
    public sealed record RaiseAlert([property: Id(0)] AlertKey Alert, [property: Id(1)] bool Critical, [property: Id(2)] string Text) : SystemEffect
    {
        public override ExecutorKind Executor => ExecutorKind.Alerts;
    }
}

/// <summary>The machine's alerts; each has a runbook page.</summary>
public enum AlertKey
{
    Unprotected,
    CopyTrouble,
    Diverged,
    LineTrouble,
    NoCopyToTakeOver,
    WaitsForPerson,
    StepLate,
    StepFailed,
    FencingUnproven,
    OwnershipMoved,
    DigestMismatch,
    OnTrial,
    TakenOver,
    DrillFailed,
    Held,
}
