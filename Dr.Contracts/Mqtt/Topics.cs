using System.Text;

namespace Dr.Contracts.Mqtt;

/// <summary>The topic tree of <c>mqtt.md</c>: <c>dr/v1/{partition}/{device}/…</c>, partition <c>00..ff</c> from a hash of the device id.</summary>
public static class Topics
{
    public const string Root = "dr/v1";

    /// <summary>Partitions shared out over the live silos.</summary>
    public const int PartitionCount = 256;

    /// <summary>The partition of a device: the low byte of FNV-1a 32 (Fowler, Noll, Vo) over the UTF-8 id.</summary>
    public static byte PartitionOf(DeviceId device)
    {
        var hash = 2166136261u;
        foreach (var b in Encoding.UTF8.GetBytes(device.Value))
        {
            hash = (hash ^ b) * 16777619u;
        }

        return (byte)hash;
    }

    /// <summary><c>dr/v1/{p}/{device}</c>.</summary>
    public static string Device(DeviceId device) => $"{Root}/{PartitionOf(device):x2}/{device.Value}";

    /// <summary>Device → control plane. <paramref name="channel"/> is one of <see cref="UpChannel"/>.</summary>
    public static string Up(DeviceId device, string channel) => $"{Device(device)}/up/{channel}";

    /// <summary>Control plane → device. <paramref name="channel"/> is one of <see cref="DownChannel"/>.</summary>
    public static string Down(DeviceId device, string channel) => $"{Device(device)}/down/{channel}";

    /// <summary>Retained presence; the will sets it to off-line.</summary>
    public static string State(DeviceId device) => $"{Device(device)}/{StateChannel.Name}";

    /// <summary>What a control plane subscribes to for one partition; <c>+</c> as partition stands for all of them.</summary>
    public static IReadOnlyList<string> UpFilters(string partition) => [$"{Root}/{partition}/+/up/+", $"{Root}/{partition}/+/state"];

    /// <summary>What a device subscribes to: its own <c>down</c> topics, and its own state, which a late will may have overwritten.</summary>
    public static IReadOnlyList<string> DownFilters(DeviceId device) =>
        [Down(device, DownChannel.Ack), Down(device, DownChannel.Command), Down(device, DownChannel.Config), State(device)];

    /// <summary>Splits <c>dr/v1/{p}/{device}/{up|down}/{channel}</c> or <c>…/state</c>; false for anything else, also for a partition that is not the device's.</summary>
    public static bool TryParse(string topic, out DeviceId device, out string channel)
    {
        (device, channel) = (default, string.Empty);
        var parts = topic.Split('/');
        if (parts.Length is not (5 or 6) || parts[0] != "dr" || parts[1] != "v1" || !Names.IsValid(parts[3]))
        {
            return false;
        }

        device = new DeviceId(parts[3]);
        channel = parts.Length == 5 ? parts[4] : $"{parts[4]}/{parts[5]}";
        return parts[2] == PartitionOf(device).ToString("x2", CultureInfo.InvariantCulture);
    }
}

/// <summary>Last level of <c>dr/v1/{p}/{device}/state</c>.</summary>
public static class StateChannel
{
    public const string Name = "state";
}

/// <summary>Last level of <c>up/…</c>: birth, data and result with QoS 1, beat with QoS 0.</summary>
public static class UpChannel
{
    public const string Birth = "birth";
    public const string Beat = "beat";
    public const string Data = "data";
    public const string Result = "result";
}

/// <summary>Last level of <c>down/…</c>: ack with QoS 0 (cumulative, repeated), command with QoS 1, config retained.</summary>
public static class DownChannel
{
    public const string Ack = "ack";
    public const string Command = "command";
    public const string Config = "config";
}
