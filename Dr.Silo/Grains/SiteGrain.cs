using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Grains;

/// <summary>A site's members and who of them is silent; nothing of it is stored, it is told anew by the devices.</summary>
[GrainType("site")]
internal sealed class SiteGrain(TimeProvider time) : Grain, ISiteGrain
{
    private readonly HashSet<DeviceId> _silent = [];
    private readonly HashSet<DeviceId> _members = [];
    private DateTimeOffset? _massSince;

    public Task ConfigureAsync(IReadOnlyList<DeviceId> members)
    {
        _members.UnionWith(members);
        return Task.CompletedTask;
    }

    public Task OnPresenceAsync(PresenceChange change)
    {
        _members.Add(change.Device);
        _ = change.Alive ? _silent.Remove(change.Device) : _silent.Add(change.Device);
        _massSince = CommonAncestor.IsMass(_silent.Count, _members.Count) ? _massSince ?? time.GetUtcNow() : null;
        return Task.CompletedTask;
    }

    public Task<SiteView> GetAsync() => Task.FromResult(new SiteView
    {
        Id = new SiteId(this.GetPrimaryKeyString()),
        Members = [.. _members.OrderBy(m => m.Value, StringComparer.Ordinal)],
        Silent = [.. _silent.OrderBy(m => m.Value, StringComparer.Ordinal)],
        MassSuspicion = _massSince is not null,
        Since = _massSince,
    });
}
