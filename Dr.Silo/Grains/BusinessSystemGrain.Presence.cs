namespace Dr.Silo.Grains;

/// <summary>
/// Presence is told when it changes. An activation that is new, because its silo was lost, was not told, and a message may get lost: so it is also asked for. Without that a takeover
/// would wait for ever for a standby that is well and whose grain, on another silo, has no news.
/// </summary>
internal sealed partial class BusinessSystemGrain
{
    private static readonly TimeSpan AskPeriod = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AskKnownAfter = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AskDeadline = TimeSpan.FromSeconds(2);

    private readonly Dictionary<DeviceId, DateTimeOffset> _askedAt = [];

    /// <summary>Beside the loop, not in it: a device's silo that is just dying must not hold the loop up.</summary>
    private async Task AskPresenceAsync(CancellationToken cancellationToken)
    {
        if (store.State.Settings is { } settings)
        {
            var now = time.GetUtcNow();
            SystemSite[] sites = [settings.HomeSite, settings.PeerSite];
            await Task.WhenAll(sites.SelectMany(s => new[] { s.Host, s.Appliance ?? s.Host }).Distinct()
                .Where(device => now - _askedAt.GetValueOrDefault(device) >= (_watch.Seen.IsAlive(device) is null ? AskPeriod : AskKnownAfter))
                .Select(device => AskPresenceAsync(device, now)));
        }
    }

    private async Task AskPresenceAsync(DeviceId device, DateTimeOffset now)
    {
        _askedAt[device] = now;
        var before = _watch.Seen.PresenceOf(device);
        try
        {
            var view = await GrainFactory.GetGrain<IDeviceGrain>(device.Value).GetAsync().WaitAsync(AskDeadline, time);

            // What was told meanwhile is newer than the answer.
            if (view.Presence != Presence.Unknown && _watch.Seen.PresenceOf(device) == before && before?.Alive != (view.Presence == Presence.Alive))
            {
                _watch.Seen.Hear(new PresenceChange
                {
                    Device = device,
                    Site = view.Site ?? default,
                    Alive = view.Presence == Presence.Alive,
                    LastHeard = view.LastHeard ?? view.Since ?? now,
                    Phi = view.Phi ?? 0,
                    Reason = $"{device} is {view.Presence} since {view.Since:HH:mm:ss}.",
                });
                Pump();
            }
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // Its silo is going down; the next round finds it elsewhere, where nobody watches it before somebody asks.
            _askedAt[device] = now + AskPeriod - AskKnownAfter;
            LogNotAsked(Id, device, e.Message);
        }
    }
}
