using Dr.Simulator.Live.Faults;

namespace Dr.Simulator.Live.World;

/// <summary>A business system of the live world.</summary>
/// <param name="Copy"><c>sync</c> or <c>stream</c>.</param>
/// <param name="HasDatabase">A PostgreSQL on a file system on the volume, with a circulation desk as its client; otherwise a broker without persistence runs as its program, and numbered writers write to the volume itself.</param>
/// <param name="ServiceAddress">Goes with the system; kiosks try whether it answers.</param>
internal sealed record LiveSystem(string Id, string Home, string Copy, bool HasDatabase, string ServiceAddress, int ServicePort)
{
    /// <summary>A synchronous one with a database, a streamed one, and one the other way round: each kind of copy at each site, and both directions.</summary>
    public static IReadOnlyList<LiveSystem> All { get; } =
    [
        new("dilas", LivePlaces.Production, "sync", HasDatabase: true, "10.77.0.101", 5432),
        new("card", LivePlaces.Production, "stream", HasDatabase: false, "10.77.0.102", 1902),
        new("mail", LivePlaces.Backup, "sync", HasDatabase: false, "10.77.0.103", 1903),
    ];

    /// <summary>Bytes of the volume.</summary>
    public const long Size = 512L << 20;

    public bool IsSync => Copy == "sync";
}
