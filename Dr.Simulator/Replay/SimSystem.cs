using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Repair;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>The instance of a system at one site.</summary>
internal sealed class Instance(string host)
{
    public string Host { get; } = host;

    public bool Running { get; set; }

    public bool Hung { get; set; }

    public bool DataDamaged { get; set; }

    public bool StorageLost { get; set; }

    /// <summary>The copy here may be written.</summary>
    public bool GateOpen { get; set; }

    /// <summary>Runs and answers rightly, if one gets to it.</summary>
    public bool Works => Running && !Hung && !DataDamaged && !StorageLost;
}

/// <summary>A business system in the model: what is real about it, and what the control plane believes.</summary>
internal sealed class SimSystem
{
    public required SystemId Id { get; init; }

    public required string Name { get; init; }

    public required SystemKind Kind { get; init; }

    /// <summary>Null: table 2 does not have it, so nobody protects it.</summary>
    public required BackupPolicy? Policy { get; init; }

    public required BeatClass Beats { get; init; }

    public required IReadOnlyList<(string Group, double Share)> Users { get; init; }

    public required IReadOnlyDictionary<SiteId, Instance> At { get; init; }

    public required SiteId Home { get; init; }

    /// <summary>Its copy's class; null without a policy.</summary>
    public required StreamModel? Stream { get; init; }

    /// <summary>Where users are sent.</summary>
    public required SiteId PointedAt { get; set; }

    // The control plane's side; null without a policy.
    public SystemState? State { get; set; }

    public RepairState? Repair { get; set; }

    public DetectorState? Detector { get; set; }

    public required LocalMeans Means { get; init; }

    // The incident under way.
    public Incident? Incident { get; set; }

    /// <summary>Another fault that cuts a part of its users off at the same time; what is left when the one above is over belongs to it.</summary>
    public Incident? Beneath { get; set; }

    /// <summary>The incident whose story has the last word on its users.</summary>
    public Incident? Told { get; set; }

    /// <summary>Until then nobody suspects it; from the last beat.</summary>
    public DateTimeOffset SilentFrom { get; set; }

    public bool Watched { get; set; }

    public long BeatSequence { get; set; }

    public long Boot { get; private set; } = 1;

    /// <summary>Of the machine that serves; another one after each boot.</summary>
    public string BootId { get; private set; } = "1";

    public void BootsAgain() => BootId = (++Boot).ToString(CultureInfo.InvariantCulture);

    public bool ReportedFailing { get; set; }

    /// <summary>When the first report of a witness that is not served comes in; moved on after each review.</summary>
    public DateTimeOffset? WitnessReportAt { get; set; }

    public long Sequence { get; set; } = 1;

    public DateTimeOffset? LastLease { get; set; }

    /// <summary>Share of users not served, and since when it has been that.</summary>
    public double Unserved { get; set; }

    public DateTimeOffset UnservedSince { get; set; }

    public DateTimeOffset? TakenOverAt { get; set; }

    /// <summary>For which it left its home; others may strike and be over before that one is repaired.</summary>
    public Incident? AwayFor { get; set; }

    public Instance Owner => At[State?.Owner.Site ?? Home];
}
