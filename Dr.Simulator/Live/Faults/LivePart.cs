namespace Dr.Simulator.Live.Faults;

/// <summary>What a fault strikes.</summary>
/// <param name="Place">One of <see cref="LivePlaces"/>: faults never strike two of them at once, since no promise covers that.</param>
/// <param name="Thing">What of it.</param>
internal readonly record struct LivePart(string Place, LiveThing Thing)
{
    public override string ToString() => Thing switch
    {
        LiveThing.Machine => $"{Place}: machine",
        LiveThing.Edge => $"{Place}: dr-edge",
        LiveThing.Silo => $"{Place}: dr-silo",
        LiveThing.Broker => $"{Place}: broker",
        LiveThing.Store => $"{Place}: control plane's database",
        LiveThing.Uplink => $"{Place}: its line to everybody",
        LiveThing.SiteLine => "line between the sites",
        LiveThing.Disk => $"{Place}: disk of the volume store",
        LiveThing.Copy => $"{Place}: a copy's file",
        _ => throw new ArgumentOutOfRangeException(nameof(Thing), Thing, null),
    };
}

internal enum LiveThing
{
    /// <summary>Everything that runs at the site: appliance, host agent, database. It does not start again by itself.</summary>
    Machine,

    /// <summary>The process of appliance and host agent alone; its supervisor starts it again.</summary>
    Edge,

    Silo,

    Broker,

    Store,

    Uplink,

    /// <summary>The two sites do not see each other; everybody else sees both.</summary>
    SiteLine,

    Disk,

    Copy,
}

/// <summary>Where things are.</summary>
internal static class LivePlaces
{
    public const string Production = "production";
    public const string Backup = "backup";

    /// <summary>The control plane's database, the broker and one of the silos; the other is at the backup site.</summary>
    public const string Third = "third";

    /// <summary>Kiosks and the desk's clients; nothing strikes there.</summary>
    public const string Street = "street";

    public static IReadOnlyList<string> Sites { get; } = [Production, Backup];

    public static string Other(string site) => site == Production ? Backup : Production;
}
