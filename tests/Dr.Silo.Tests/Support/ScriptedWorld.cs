using System.Collections.Concurrent;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;

namespace Dr.Silo.Tests.Support;

/// <summary>Two sites and two kiosks that talk to the grains without a broker. Outlives the silos it talks to, as the real ones do.</summary>
internal sealed class ScriptedWorld : IDownlink, IAsyncDisposable
{
    public static readonly SystemId System = new("dilas");
    public const string Volume = "dilas";

    private static readonly TimeSpan BeatPeriod = TimeSpan.FromMilliseconds(150);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<DeviceId, DeviceConfig> _configs = new();
    private readonly List<Task> _loops = [];
    private volatile IGrainFactory? _grains;

    public ScriptedWorld()
    {
        (Production.Peer, Backup.Peer) = (Backup, Production);
        _loops.Add(BeatAsync(Production));
        _loops.Add(BeatAsync(Backup));
        _loops.Add(WatchAsync(new DeviceId("kiosk-1")));
        _loops.Add(WatchAsync(new DeviceId("kiosk-2")));
    }

    public ScriptedDevice Production { get; } = new(new DeviceId("prod-1"), new SiteId("production"), "127.0.0.1:1");

    public ScriptedDevice Backup { get; } = new(new DeviceId("back-1"), new SiteId("backup"), "127.0.0.1:2");

    /// <summary>Times at which both sides could have written: must stay empty.</summary>
    public List<string> DoubleWriters { get; } = [];

    /// <summary>What the kiosks see instead of what is so.</summary>
    public bool? KiosksReach { get; set; }

    public IReadOnlyDictionary<DeviceId, DeviceSettings> Devices => new Dictionary<DeviceId, DeviceSettings>
    {
        [Production.Id] = Settings(Production.Site, "appliance", "host"),
        [Backup.Id] = Settings(Backup.Site, "appliance", "host"),
        [new DeviceId("kiosk-1")] = Settings(new SiteId("street"), "kiosk") with { Follows = [System] },
        [new DeviceId("kiosk-2")] = Settings(new SiteId("street"), "kiosk"),
    };

    /// <summary>The silo that the broker talks to from now on; null while there is none.</summary>
    public void Connect(IGrainFactory? grains) => _grains = grains;

    public Task SendCommandAsync(DeviceId device, DeviceCommand command, CancellationToken cancellationToken)
    {
        if (command is ProbeTargets { Targets.Count: > 0 } probe && device.Value.StartsWith("kiosk", StringComparison.Ordinal))
        {
            Answer(device, new CommandResult
            {
                Id = command.Id,
                Outcome = CommandOutcome.Done,
                Evidence = probe.Targets.ToDictionary(t => t, _ => Reachable ? "reachable" : "connection refused"),
                FinishedAt = TimeProvider.System.GetUtcNow(),
            });
        }
        else if (new[] { Production, Backup }.FirstOrDefault(d => d.Id == device)?.Execute(command) is { } result)
        {
            Answer(device, result);
        }

        return Task.CompletedTask;
    }

    public Task SetConfigAsync(DeviceId device, DeviceConfig config, CancellationToken cancellationToken)
    {
        _configs[device] = config;
        return Task.CompletedTask;
    }

    /// <summary>Where the system is by what a device was told last; null when it was told nothing.</summary>
    public ActiveSite? ToldTo(string device) => _configs.GetValueOrDefault(new DeviceId(device))?.ActiveSites.GetValueOrDefault(System);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_loops);
        _stop.Dispose();
    }

    private bool Reachable => KiosksReach ?? (Production is { IsOn: true, Runs: true } || Backup.Runs);

    private static DeviceSettings Settings(SiteId site, params string[] roles) => new()
    {
        Site = site,
        Roles = roles,
        Systems = roles.Contains("kiosk") ? [] : [System],
        Config = new DeviceConfig { Version = 1, BusyPeriodMs = 300, IdlePeriodMs = 300 },
    };

    /// <summary>As from the broker: on nobody's turn.</summary>
    private void Answer(DeviceId device, CommandResult result) => _ = Task.Run(async () =>
    {
        if (_grains is { } grains)
        {
            await TryAsync(() => grains.GetGrain<IDeviceGrain>(device.Value).OnResultAsync(result));
        }
    });

    private async Task BeatAsync(ScriptedDevice device)
    {
        var born = "";
        while (!_stop.IsCancellationRequested)
        {
            // The first is asked twice: between two looks a lease may have lapsed and the other side have been promoted, when this thread had to wait.
            if (Production.MayWrite && Backup.MayWrite && Production.MayWrite)
            {
                lock (DoubleWriters)
                {
                    DoubleWriters.Add($"{TimeProvider.System.GetUtcNow():O}");
                }
            }

            if (device.IsOn && _grains is { } grains)
            {
                var grain = grains.GetGrain<IDeviceGrain>(device.Id.Value);
                var birth = device.Birth();
                if (born != birth.BootId && await TryAsync(() => grain.OnBirthAsync(birth)))
                {
                    born = birth.BootId;
                }

                var beat = device.Beat(System, Volume);
                await TryAsync(async () =>
                {
                    if (await grain.OnBeatAsync(beat) is { } ack && device.IsOn)
                    {
                        device.Take(ack, beat.SentAt);
                    }
                });
            }

            await Task.Delay(BeatPeriod, CancellationToken.None);
        }
    }

    private async Task WatchAsync(DeviceId kiosk)
    {
        for (var sequence = 1L; !_stop.IsCancellationRequested; sequence++)
        {
            if (_grains is { } grains)
            {
                await TryAsync(() => grains.GetGrain<IDeviceGrain>(kiosk.Value).OnBeatAsync(new Beat
                {
                    Sequence = sequence,
                    BootId = "kiosk",
                    DeviceEpoch = 1,
                    NextDueMs = 1_000,
                    HourClass = HourClass.Busy,
                    SentAt = TimeProvider.System.GetUtcNow(),
                    Reach = [new ReachReport { Target = $"system:{System}", Reachable = Reachable, At = TimeProvider.System.GetUtcNow() }],
                }));
            }

            await Task.Delay(500, CancellationToken.None);
        }
    }

    /// <summary>A silo that is going down answers nobody; the next beat finds the next one.</summary>
    private static async Task<bool> TryAsync(Func<Task> call)
    {
        try
        {
            await call().WaitAsync(TimeSpan.FromSeconds(5));
            return true;
        }
        catch (Exception e) when (e is not Shouldly.ShouldAssertException)
        {
            return false;
        }
    }
}
