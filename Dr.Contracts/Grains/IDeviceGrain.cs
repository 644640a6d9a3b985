namespace Dr.Contracts.Grains;

/// <summary>
/// One device, key = device id. The ingress hands every message of the device over; the grain keeps presence in memory, its outbox of commands and its
/// epoch in storage, and tells the systems concerned.
/// </summary>
[Alias("dr.IDeviceGrain")]
public interface IDeviceGrain : IGrainWithStringKey
{
    /// <summary>A connect. Ignored when its device epoch is lower than one seen. Everything open in the outbox is sent again.</summary>
    [Alias("OnBirth")]
    Task OnBirthAsync(Birth birth);

    /// <summary>Retained presence or the will. Evidence only: an off-line state never decides anything by itself.</summary>
    [Alias("OnState")]
    Task OnStateAsync(DeviceState state);

    /// <summary>A heartbeat. The ingress publishes what comes back on <c>down/ack</c>; null when there is nothing to answer (an old boot's beat).</summary>
    [Alias("OnBeat")]
    Task<DownAck?> OnBeatAsync(Beat beat);

    /// <summary>Rows. Returns only after the commit; the ingress publishes the acknowledgement, which has the old high-water when rows are missing before the batch.</summary>
    [Alias("OnData")]
    Task<DownAck> OnDataAsync(DataBatch batch);

    /// <summary>The result of a command; a repeated one changes nothing.</summary>
    [Alias("OnResult")]
    Task OnResultAsync(CommandResult result);

    /// <summary>
    /// Puts a command into the persisted outbox, then sends it; it is sent again at each birth and by timer until a final result came or its deadline is
    /// well past. An id that is in the outbox or was answered is not sent a second time; its stored result is handed out again instead.
    /// </summary>
    [Alias("Send")]
    Task SendAsync(DeviceCommand command);

    /// <summary>Asks now, outside the outbox: sent once, not kept; an answer goes to <paramref name="asker"/>. Silence is an answer, too.</summary>
    [Alias("Probe")]
    Task ProbeAsync(SystemId asker, ProbeTargets probe);

    /// <summary>The ledger changed: the device's retained configuration tells it, so that it refuses the older epoch when it comes back.</summary>
    [Alias("OnOwnership")]
    Task OnOwnershipAsync(SystemId system, Epoch epoch);

    /// <summary>A system that the device follows has its place: told until it has got through, to a device whose settings name the system. One of a lower epoch is passed over.</summary>
    [Alias("OnActiveSite")]
    Task OnActiveSiteAsync(SystemId system, ActiveSite active);

    /// <summary>What the configuration says of this device.</summary>
    [Alias("Configure")]
    Task ConfigureAsync(DeviceSettings settings);

    [Alias("Get")]
    Task<DeviceView> GetAsync();

    /// <summary>Synthetic kill: measures how long a stop would take to be suspected; ownership is not touched. One at a time: while one runs, it is the answer.</summary>
    [Alias("TestDetection")]
    Task<DetectionTest> TestDetectionAsync(string actor);

    /// <summary>The newest test since this activation began; null without one.</summary>
    [Alias("GetTest")]
    Task<DetectionTest?> GetTestAsync();
}

/// <summary>What the control plane sends to devices; the ingress implements it with its MQTT client.</summary>
public interface IDownlink
{
    /// <summary>Returns when the broker has taken it, which proves nothing: only the result does.</summary>
    Task SendCommandAsync(DeviceId device, DeviceCommand command, CancellationToken cancellationToken);

    /// <summary>Replaces the retained configuration.</summary>
    Task SetConfigAsync(DeviceId device, DeviceConfig config, CancellationToken cancellationToken);
}

/// <summary>A device as configured.</summary>
[GenerateSerializer, Immutable, Alias("dr.DeviceSettings")]
public sealed record DeviceSettings
{
    [Id(0)] public required SiteId Site { get; init; }

    [Id(1)] public required IReadOnlyList<string> Roles { get; init; }

    /// <summary>Systems that hear of this device's silence, health and leases: those whose host or appliance it is.</summary>
    [Id(2)] public IReadOnlyList<SystemId> Systems { get; init; } = [];

    /// <summary>Pushed to the device as retained configuration.</summary>
    [Id(3)] public required DeviceConfig Config { get; init; }

    /// <summary>How it is watched: a class of the detector's table (<c>host</c>, <c>critical-system</c>, <c>appliance</c>, <c>kiosk-24h</c>, <c>kiosk-indoor</c>); null = by its roles.</summary>
    [Id(4)] public string? Class { get; init; }

    /// <summary>Name of its branch's calendar among the policies; null = the hours of the configuration.</summary>
    [Id(5)] public string? Calendar { get; init; }

    /// <summary>What it hangs on inside its site, and the line by which its site reaches the broker: so that many silences at once have one name. Null = not known.</summary>
    [Id(6)] public string? Switch { get; init; }

    [Id(7)] public string? Line { get; init; }

    /// <summary>Systems that it works for: it is told at which site each of them is.</summary>
    [Id(8)] public IReadOnlyList<SystemId> Follows { get; init; } = [];
}
