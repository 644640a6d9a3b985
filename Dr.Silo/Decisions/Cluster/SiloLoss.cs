using System.Net;
using Orleans.Runtime;

namespace Dr.Silo.Decisions.Cluster;

/// <summary>One line of the membership table.</summary>
/// <param name="Name">The silo's configured name.</param>
/// <param name="Endpoint">Where the other silos reach it.</param>
/// <param name="DeclaredDead">Others voted it dead; one that stopped in order said so itself.</param>
public sealed record SiloEntry(string Name, IPEndPoint Endpoint, SiloStatus Status, bool DeclaredDead, DateTimeOffset StartedAt, DateTimeOffset AliveAt);

/// <summary>Which silos a cluster misses. Pure.</summary>
public static class SiloLoss
{
    /// <summary>A silo that was declared dead and has not come back, by its address or by its name; key <c>silo:ADDRESS</c>, as an alert's subject, and a sentence. One that stopped in order is not missed.</summary>
    public static IReadOnlyDictionary<string, string> Of(IReadOnlyList<SiloEntry> table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var lost = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in table.Where(e => e is { Status: SiloStatus.Dead, DeclaredDead: true }).OrderBy(e => e.StartedAt))
        {
            if (!table.Any(e => e.StartedAt > entry.StartedAt && (e.Endpoint.Equals(entry.Endpoint) || e.Name == entry.Name)))
            {
                lost[$"silo:{entry.Endpoint}"] = string.Create(CultureInfo.InvariantCulture, $"Silo {entry.Name} at {entry.Endpoint} is lost: the others declared it dead; it was last alive at {entry.AliveAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC.");
            }
        }

        return lost;
    }
}
