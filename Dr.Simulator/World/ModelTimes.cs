namespace Dr.Simulator.World;

/// <summary>
/// How long things take in the model. Every one is drawn anew from the seed between two bounds; these bounds, and not the results, are what the model assumes.
/// </summary>
internal sealed class ModelTimes(Chance chance)
{
    /// <summary>Host agents check components this often.</summary>
    public static readonly TimeSpan CheckPeriod = TimeSpan.FromSeconds(2);

    /// <summary>… and give up on one check after this.</summary>
    public static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(2);

    /// <summary>A restart does not cure one fault in ten.</summary>
    public const double RestartFails = 0.1;

    /// <summary>Beats lost on the way.</summary>
    public const double BeatLoss = 0.002;

    public bool RestartCures() => !chance.Hits(RestartFails);

    public bool BeatIsLost() => chance.Hits(BeatLoss);

    /// <summary>One way, with the tail of a busy line.</summary>
    public TimeSpan Latency() => TimeSpan.FromMilliseconds(5 + chance.Exponential(15));

    public TimeSpan NextCheck() => CheckPeriod * chance.Next();

    /// <summary>Where in its rhythm something periodic stands.</summary>
    public TimeSpan Phase(TimeSpan period) => period * chance.Next();

    public TimeSpan Restart() => Seconds(6, 20);

    public TimeSpan StandbyStart() => Seconds(15, 40);

    public TimeSpan MirrorSwitch() => Seconds(1, 4);

    /// <summary>Clone at a point, start the database on it, export the damaged part, import it.</summary>
    public TimeSpan Restore() => Seconds(60, 240);

    public TimeSpan Check() => Seconds(1, 3);

    public TimeSpan Demote() => Seconds(0.3, 1.5);

    public TimeSpan Promote() => Seconds(0.3, 1.2);

    /// <summary>Attach, check and mount the file system, recovery of the database, start of the application.</summary>
    public TimeSpan Start() => Seconds(12, 35);

    public TimeSpan Repoint() => Seconds(1, 4);

    public TimeSpan Ledger() => Seconds(0.01, 0.05);

    public TimeSpan Assess() => Seconds(0.2, 0.8);

    public TimeSpan Digest() => Seconds(20, 90);

    /// <summary>A person at the console reads and decides.</summary>
    public TimeSpan Person() => Seconds(60, 240);

    private TimeSpan Seconds(double low, double high) => TimeSpan.FromSeconds(chance.Between(low, high));
}
