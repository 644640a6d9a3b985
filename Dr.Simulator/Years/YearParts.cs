using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Observing;

namespace Dr.Simulator.Years;

/// <summary>A site: what all its systems share. Counters, because two faults at once need two repairs.</summary>
internal sealed class YearSite(SiteId id)
{
    public SiteId Id => id;

    public int Down { get; set; }

    /// <summary>Users outside, kiosks too, do not get in.</summary>
    public int AccessCut { get; set; }

    /// <summary>When they last could not.</summary>
    public DateTimeOffset AccessCutUntil { get; set; }

    /// <summary>The control plane and the site do not reach each other.</summary>
    public int ControlCut { get; set; }

    public int ApplianceDown { get; set; }

    public int ApplianceFrozen { get; set; }

    public int DiskFull { get; set; }

    /// <summary>How far its machines' clocks are ahead of the true one.</summary>
    public TimeSpan ClockAhead { get; set; }

    /// <summary>Since when its appliance is not heard; null = it is.</summary>
    public DateTimeOffset? ApplianceSilentSince { get; set; }

    public bool ApplianceWorks => Down == 0 && ApplianceDown == 0 && ApplianceFrozen == 0;
}

/// <summary>A system's host and volume at one site.</summary>
internal sealed class YearNode(int site, YearVolume volume)
{
    public int Site => site;

    public YearVolume Volume => volume;

    public int HostDown { get; set; }

    public int HostFrozen { get; set; }

    public int StorageLost { get; set; }

    public bool Running { get; set; }

    public bool Hung { get; set; }

    public bool DataDamaged { get; set; }

    public long Boot { get; set; } = 1;

    /// <summary>The highest epoch that its host has seen.</summary>
    public Epoch Seen { get; set; } = Epoch.First;

    public DateTimeOffset? SilentSince { get; set; }

    public Dictionary<CommandId, SystemEvent> Results { get; } = [];

    public HashSet<CommandId> UnderWay { get; } = [];

    public bool HostWorks => HostDown == 0 && HostFrozen == 0;
}

/// <summary>One device as the control plane hears it.</summary>
internal sealed class YearEar
{
    public DetectorState? Detector { get; set; }

    public long Sequence { get; set; }

    public long Boot { get; set; }

    public string BootId { get; set; } = "";

    /// <summary>When the last beat was due that has been looked at.</summary>
    public DateTimeOffset Slot { get; set; } = YearWorld.Start;
}

/// <summary>A command that the control plane owes a device.</summary>
internal sealed class YearCommand(SystemEffect.RunStep step)
{
    public SystemEffect.RunStep Step => step;

    public DateTimeOffset SentAt { get; set; }
}

/// <summary>A business system in the year: what is real about it, what is stored of it, and what the control plane has in memory.</summary>
internal sealed class YearMember(int index, YearSystem system, SystemState state)
{
    public int Index => index;

    public YearSystem System => system;

    public YearNode[] Nodes { get; } = [new(0, new YearVolume(YearSystem.SiteOf(0))), new(1, new YearVolume(YearSystem.SiteOf(1)))];

    /// <summary>Where users are sent.</summary>
    public int PointedAt { get; set; }

    /// <summary>The world has been worked out up to here.</summary>
    public DateTimeOffset Clock { get; set; } = YearWorld.Start;

    /// <summary>Last answered write of each epoch that clients may still count on.</summary>
    public Dictionary<Epoch, DateTimeOffset> Answered { get; } = [];

    /// <summary>Who copies, and under which epoch.</summary>
    public (int Site, Epoch Epoch)? Copying { get; set; }

    /// <summary>When the copy has caught up; null while it cannot be reached.</summary>
    public DateTimeOffset? CopyDue { get; set; }

    public DateTimeOffset? CopyLostAt { get; set; }

    public int FaultsInHost { get; set; }

    /// <summary>The present owner serves, and has without a break since then.</summary>
    public DateTimeOffset? ServesSince { get; set; }

    /// <summary>Nobody is served, without a break since then.</summary>
    public DateTimeOffset? FailsSince { get; set; }

    // Stored.
    public SystemState State { get; set; } = state;

    public List<SystemEffect> Effects { get; } = [];

    public List<YearCommand> Outbox { get; } = [];

    /// <summary>Commands that did not arrive when they were sent: the broker has them still.</summary>
    public List<SystemEffect.RunStep> Kept { get; } = [];

    public Epoch ServedEpoch { get; set; }

    public LedgerEntry Ledger { get; set; } = new(state.Owner, false, "");

    public Dictionary<string, MirrorWord> StoredMirrors { get; } = [];

    // In the memory of the activation.
    public required SystemWatch Watch { get; set; }

    public string Granter { get; set; } = "";

    public bool Fencing { get; set; }

    public (SystemState State, string Granter)? Zombie { get; set; }

    public Queue<SystemEvent> Inbox { get; } = new();

    public YearEar[] Ears { get; } = [new(), new(), new(), new()];

    public DateTimeOffset[] WitnessSlots { get; } = new DateTimeOffset[8];

    public DateTimeOffset AwakeUntil { get; set; }

    public DateTimeOffset? LookAt { get; set; }

    public long LookOrder { get; set; }

    // For the invariants.
    public DateTimeOffset? AutomaticAt { get; set; }

    /// <summary>When the machine last did anything at all.</summary>
    public DateTimeOffset NoticedAt { get; set; }

    /// <summary>Transitions within the hour that began then.</summary>
    public (DateTimeOffset Began, int Count) Busy { get; set; }

    /// <summary>When somebody comes to help; null = nobody was called.</summary>
    public DateTimeOffset? HelpAt { get; set; }

    public HashSet<Epoch> EpochsClaimed { get; } = [state.Owner.Epoch];

    public bool KillInMidRun { get; set; }

    public TimeSpan KillFor { get; set; }

    public bool WillRollBack { get; set; }

    public bool DigestWillDiffer { get; set; }

    /// <summary>What people have tried for the run that waits for them.</summary>
    public (RunId Run, int Times) Helped { get; set; }

    public int Orders { get; set; }

    public YearNode Owner => Nodes[State.Owner.Site == YearSystem.SiteOf(0) ? 0 : 1];
}
