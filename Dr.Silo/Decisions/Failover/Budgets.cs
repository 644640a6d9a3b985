using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Failover;

/// <summary>How long a phase may last before somebody is told, and how long one attempt at a step may take.</summary>
public static class Budgets
{
    /// <summary>Active probing of a suspect: once a second.</summary>
    public static readonly TimeSpan Probing = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long a takeover that nobody has agreed to may begin by what was found about the owner. What else it waits for (the other site, its turn, the end of a block period, we ourselves) may take longer, and the
    /// owner may serve again meanwhile: then it is asked about once more first.
    /// </summary>
    public static readonly TimeSpan FindingLasts = Probing;

    /// <summary>
    /// An old owner that answered "stopped" still sends what the copy lacks: waited for from the proof. A control plane that was restarted has not heard its devices yet: waited for from the proof or from
    /// when it began to hear, whichever is later. After this nobody waits for either any more.
    /// </summary>
    public static readonly TimeSpan CatchUp = TimeSpan.FromSeconds(10);

    /// <summary>The budget of a phase. Waiting for people and for copies is long and only raises alerts; a step's is short and is retried.</summary>
    public static TimeSpan Of(Phase phase) => phase switch
    {
        Phase.Unprotected => TimeSpan.FromMinutes(10),
        Phase.Seeding or Phase.Reversing => TimeSpan.FromHours(24),
        Phase.Protected or Phase.FailbackReady => TimeSpan.FromDays(3650),
        Phase.Suspect => Probing + TimeSpan.FromSeconds(3),
        Phase.Deciding => TimeSpan.FromMinutes(2),
        Phase.Fencing => TimeSpan.FromSeconds(30),
        Phase.Promoting => TimeSpan.FromSeconds(20),
        Phase.Starting => TimeSpan.FromMinutes(2),
        Phase.Repointing => TimeSpan.FromSeconds(20),
        Phase.Verifying => TimeSpan.FromSeconds(30),
        Phase.OnTrial => TimeSpan.FromMinutes(30),
        Phase.FailedOver => TimeSpan.FromHours(1),
        Phase.Draining => TimeSpan.FromMinutes(2),
        Phase.FinalSync => TimeSpan.FromMinutes(10),
        Phase.SwitchingBack => TimeSpan.FromMinutes(2),
        Phase.DrillCloning => TimeSpan.FromMinutes(2),
        Phase.DrillStarting => TimeSpan.FromMinutes(10),
        Phase.DrillVerifying => TimeSpan.FromMinutes(30),
        Phase.DrillCleaning => TimeSpan.FromMinutes(5),
        Phase.Held => TimeSpan.FromHours(1),
        Phase.NeedsOperator => TimeSpan.FromMinutes(10),
        Phase.Diverged => TimeSpan.FromMinutes(10),
        _ => throw new ArgumentOutOfRangeException(nameof(phase), phase, "A phase without a budget."),
    };
}
