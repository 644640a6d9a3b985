using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Orleans.Runtime;

namespace Dr.Silo.Grains;

/// <summary>A site: its members and who of them is silent (told anew by the devices, never stored), and the run of the whole site (stored).</summary>
[GrainType("site")]
internal sealed partial class SiteGrain([PersistentState("site")] IPersistentState<SiteRecord> store, TimeProvider time, ILogger<SiteGrain> logger) : Grain, ISiteGrain
{
    private readonly HashSet<DeviceId> _silent = [];
    private readonly HashSet<DeviceId> _members = [];
    private DeviceId[]? _membersInOrder;
    private DateTimeOffset? _massSince;

    private SiteId Id => new(this.GetPrimaryKeyString());

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(OnTickAsync, new GrainTimerCreationOptions(Tick, Tick) { KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task ConfigureAsync(IReadOnlyList<DeviceId> members)
    {
        _members.UnionWith(members);
        _membersInOrder = null;
        return Task.CompletedTask;
    }

    public Task OnPresenceAsync(PresenceChange change)
    {
        if (_members.Add(change.Device))
        {
            _membersInOrder = null;
        }

        _ = change.Alive ? _silent.Remove(change.Device) : _silent.Add(change.Device);
        _massSince = CommonAncestor.IsMass(_silent.Count, _members.Count) ? _massSince ?? time.GetUtcNow() : null;
        return Task.CompletedTask;
    }

    public Task<SiteView> GetAsync() => Task.FromResult(new SiteView
    {
        Id = Id,
        Members = _membersInOrder ??= [.. _members.OrderBy(m => m.Value, StringComparer.Ordinal)], // 50 000 kiosks of a street are sorted when one is added, not at every look.
        Silent = [.. _silent.OrderBy(m => m.Value, StringComparer.Ordinal)],
        MassSuspicion = _massSince is not null,
        Since = _massSince,
    });

    private Task SaveAsync(SiteRecord record) => store.SaveAsync(record, onConflict: DeactivateOnIdle);
}
