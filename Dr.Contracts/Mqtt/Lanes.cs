using System.Text.Json;

namespace Dr.Contracts.Mqtt;

/// <summary>Rows of one lane of one stream, contiguous from <see cref="First"/>; QoS 1 on <c>up/data</c>.</summary>
[GenerateSerializer, Immutable, Alias("dr.DataBatch")]
public sealed record DataBatch
{
    [Id(0)] public required long DeviceEpoch { get; init; }

    [Id(1)] public required Guid Stream { get; init; }

    /// <summary>0 transactions, 1 status and alarms, 2 bulk.</summary>
    [Id(2)] public required int Lane { get; init; }

    /// <summary>Sequence of the first row; the others follow without a gap.</summary>
    [Id(3)] public required long First { get; init; }

    [Id(4)] public required IReadOnlyList<DataRow> Rows { get; init; }

    /// <summary>
    /// Lowest sequence the device still holds in this lane: everything below was acknowledged to it. When the control plane misses rows below it (it was
    /// restored from an older state), they cannot be sent again, and the lane goes on from here with the loss recorded.
    /// </summary>
    [Id(5)] public long Oldest { get; init; }
}

[GenerateSerializer, Immutable, Alias("dr.DataRow")]
public sealed record DataRow
{
    /// <summary>Kind of a status row whose content a newer row of the same key made useless before it was sent; it keeps the sequence contiguous and holds nothing.</summary>
    public const string Superseded = "superseded";

    /// <summary>What the row is, for example <c>kiosk.transaction</c> or <c>host.alarm</c>.</summary>
    [Id(0)] public required string Kind { get; init; }

    /// <summary>Lanes 0 and 2: unique business key, against double submission. Lane 1: what the status is of. Null when there is none.</summary>
    [Id(1)] public string? Key { get; init; }

    [Id(2)] public required DateTimeOffset At { get; init; }

    /// <summary>JSON text.</summary>
    [Id(3)] public required string Body { get; init; }
}

/// <summary>QoS 0 on <c>down/ack</c>, sent only after the control plane's own commit. Cumulative, so a lost one is covered by the next.</summary>
[GenerateSerializer, Immutable, Alias("dr.DownAck")]
public sealed record DownAck
{
    [Id(0)] public required DateTimeOffset ServerTime { get; init; }

    /// <summary>Highest committed sequence per (stream, lane).</summary>
    [Id(1)] public IReadOnlyList<LaneAck> Lanes { get; init; } = [];

    /// <summary>The beat this answers, and the boot it belonged to.</summary>
    [Id(2)] public long? BeatSequence { get; init; }

    [Id(3)] public string? BootId { get; init; }

    /// <summary>Leases granted on that beat.</summary>
    [Id(4)] public IReadOnlyList<LeaseGrant> Leases { get; init; } = [];

    /// <summary>Final results that are committed: the device need not send them again by itself.</summary>
    [Id(5)] public IReadOnlyList<CommandId> Results { get; init; } = [];

    /// <summary>The control plane does not know this boot (it missed the birth): the device sends its birth again.</summary>
    [Id(6)] public bool BirthWanted { get; init; }

    /// <summary>What that beat said about mirrors is on the control plane's disk: up to these records.</summary>
    [Id(7)] public IReadOnlyList<MirrorNoted> Mirrors { get; init; } = [];
}

/// <summary>A mirror's record that the control plane holds. A device releases the writes that wait for a mirror only after its "out of date" came back in one.</summary>
[GenerateSerializer, Immutable, Alias("dr.MirrorNoted")]
public sealed record MirrorNoted
{
    [Id(0)] public required VolumeId Volume { get; init; }

    [Id(1)] public required string Peer { get; init; }

    [Id(2)] public required long Record { get; init; }
}

[GenerateSerializer, Immutable, Alias("dr.LaneAck")]
public sealed record LaneAck
{
    [Id(0)] public required Guid Stream { get; init; }

    [Id(1)] public required int Lane { get; init; }

    [Id(2)] public required long HighWater { get; init; }

    /// <summary>Batches the device may have under way.</summary>
    [Id(3)] public int Credit { get; init; } = LinkLimits.BatchesUnderWayMax;

    /// <summary>Answers a batch before which rows were missing: the device goes back to <see cref="HighWater"/> + 1.</summary>
    [Id(4)] public bool Gap { get; init; }
}

/// <summary>
/// The serving side may write until <see cref="Ttl"/> after it <em>sent</em> the request. A grant with a higher epoch than the device serves means: stop.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.LeaseGrant")]
public sealed record LeaseGrant
{
    [Id(0)] public required SystemId System { get; init; }

    /// <summary>The owner's epoch as the ledger has it.</summary>
    [Id(1)] public required Epoch Epoch { get; init; }

    [Id(2)] public required bool Granted { get; init; }

    [Id(3)] public TimeSpan Ttl { get; init; }
}

/// <summary>Retained on <c>down/config</c>: what the device should do from now on.</summary>
[GenerateSerializer, Immutable, Alias("dr.DeviceConfig")]
public sealed record DeviceConfig
{
    /// <summary>Grows with each change; a device that has seen a higher one ignores a lower.</summary>
    [Id(0)] public required long Version { get; init; }

    [Id(1)] public int BusyPeriodMs { get; init; } = 5_000;

    [Id(2)] public int IdlePeriodMs { get; init; } = 15_000;

    /// <summary>Start and end of busy hours per day of the week, local time of <see cref="TimeZone"/>, <c>"09:00-20:00"</c>; a missing day is closed (idle all day). Empty = always busy.</summary>
    [Id(3)] public IReadOnlyDictionary<DayOfWeek, string> BusyHours { get; init; } = new Dictionary<DayOfWeek, string>();

    [Id(4)] public string TimeZone { get; init; } = "UTC";

    /// <summary>Reachability targets for witnesses: name → <c>tcp://host:port</c> or <c>http://…</c>.</summary>
    [Id(5)] public IReadOnlyDictionary<string, string> Targets { get; init; } = new Dictionary<string, string>();

    /// <summary>Ownership as the ledger had it: system → epoch. The device raises what it has seen.</summary>
    [Id(6)] public IReadOnlyDictionary<SystemId, Epoch> Epochs { get; init; } = new Dictionary<SystemId, Epoch>();

    /// <summary>Dates (<c>2026-02-17</c>) that are not like their day of the week: hours, or <see cref="Closed"/>.</summary>
    [Id(7)] public IReadOnlyDictionary<string, string> Days { get; init; } = new Dictionary<string, string>();

    /// <summary>From where on the device counts as strained and beats less often, within its hours' class.</summary>
    [Id(8)] public LoadLimits Load { get; init; } = new();

    /// <summary>Where the systems are that this device works for: what it sends to one of them it sends there. Empty = it follows none.</summary>
    [Id(9)] public IReadOnlyDictionary<SystemId, ActiveSite> ActiveSites { get; init; } = new Dictionary<SystemId, ActiveSite>();

    /// <summary>Hours of a day on which the branch is closed.</summary>
    public const string Closed = "closed";
}

/// <summary>The site that owns a system, and since which epoch.</summary>
[GenerateSerializer, Immutable, Alias("dr.ActiveSite")]
public sealed record ActiveSite([property: Id(0)] SiteId Site, [property: Id(1)] Epoch Epoch);

/// <summary>What a device may be loaded with before its beats are stretched: watching must never hurt the business.</summary>
[GenerateSerializer, Immutable, Alias("dr.LoadLimits")]
public sealed record LoadLimits
{
    /// <summary>Share of all processors, 0–1.</summary>
    [Id(0)] public double Cpu { get; init; } = 0.85;

    /// <summary>Longest queue of any part.</summary>
    [Id(1)] public int QueueLength { get; init; } = 1000;

    /// <summary>Slowest response of any part: what a reader at the desk begins to notice.</summary>
    [Id(2)] public double ResponseMs { get; init; } = 1000;
}

/// <summary>JSON of every payload: camel case, enums as text, nulls left out, unknown members ignored, <c>kind</c> of a command anywhere in the object.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, AllowOutOfOrderMetadataProperties = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Birth))]
[JsonSerializable(typeof(Beat))]
[JsonSerializable(typeof(DeviceState))]
[JsonSerializable(typeof(DeviceCommand))]
[JsonSerializable(typeof(CommandResult))]
[JsonSerializable(typeof(DataBatch))]
[JsonSerializable(typeof(DownAck))]
[JsonSerializable(typeof(DeviceConfig))]
[JsonSerializable(typeof(VolumeStatus))]
public sealed partial class MqttJson : JsonSerializerContext;
