using Dr.Silo.Decisions.Cluster;
using Dr.Silo.Ingress;

namespace Dr.Silo.Cluster;

/// <summary>What this silo reaches right now.</summary>
internal sealed class OwnPulse(IServiceProvider services, TimeProvider time)
{
    private long _databaseReachedTicks = time.GetUtcNow().UtcTicks;
    private long _databaseSinceTicks = time.GetUtcNow().UtcTicks;

    /// <summary>When the database answered last; the start counts, because nothing starts without it.</summary>
    public DateTimeOffset DatabaseReachedAt => new(Volatile.Read(ref _databaseReachedTicks), TimeSpan.Zero);

    public void DatabaseReached()
    {
        var now = time.GetUtcNow();
        if (now - DatabaseReachedAt >= PulseRules.DatabaseLostAfter)
        {
            Volatile.Write(ref _databaseSinceTicks, now.UtcTicks);
        }

        Volatile.Write(ref _databaseReachedTicks, now.UtcTicks);
    }

    public Pulse Read() => Read(time.GetUtcNow());

    private Pulse Read(DateTimeOffset now) => new(
        Database: now - DatabaseReachedAt < PulseRules.DatabaseLostAfter,
        // Looked up when needed: the ingress is made after the share that it asks for.
        Broker: services.GetService<IngressService>() is not { } ingress || ingress.HasBroker,
        DatabaseAge: now - DatabaseReachedAt,
        DatabaseStreak: now - new DateTimeOffset(Volatile.Read(ref _databaseSinceTicks), TimeSpan.Zero));
}
