using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Grains;

/// <summary>Devices that work for the system, a whole fleet of kiosks perhaps, learn at which site it is.</summary>
internal sealed partial class BusinessSystemGrain
{
    private const int FollowersAtOnce = 64;

    private static readonly TimeSpan FollowersAgainAfter = TimeSpan.FromSeconds(5);

    private Ownership? _followersKnow;
    private DateTimeOffset _followersAgainAt;
    private Task _tellingFollowers = Task.CompletedTask;

    /// <summary>Goes on beside the grain's turns: a takeover waits for no kiosk. Whoever has not taken it is told again.</summary>
    private void TellFollowers()
    {
        if (store.State.Machine is { } machine && machine.Owner != _followersKnow && _tellingFollowers.IsCompleted && time.GetUtcNow() >= _followersAgainAt)
        {
            _tellingFollowers = TellFollowersAsync(machine.Owner);
        }
    }

    private async Task TellFollowersAsync(Ownership owner)
    {
        var devices = ServiceProvider.GetService<GrainConfigurator>()?.FollowersOf(Id) ?? [];
        var active = new ActiveSite(owner.Site, owner.Epoch);
        var missed = 0;
        foreach (var some in devices.Chunk(FollowersAtOnce))
        {
            await Task.WhenAll(some.Select(async device =>
            {
                try
                {
                    await GrainFactory.GetGrain<IDeviceGrain>(device.Value).OnActiveSiteAsync(Id, active).WaitAsync(CallDeadline, time);
                }
                catch (Exception e) when (e is not InvariantException)
                {
                    missed++;
                }
            }));
        }

        if (missed == 0)
        {
            _followersKnow = owner;
        }
        else
        {
            LogFollowersMissed(Id, missed, devices.Count, owner.Site);
            _followersAgainAt = time.GetUtcNow() + FollowersAgainAfter;
        }
    }
}
