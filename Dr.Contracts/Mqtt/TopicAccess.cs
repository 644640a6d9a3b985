namespace Dr.Contracts.Mqtt;

/// <summary>
/// What a certificate's common name may do at a broker: a device writes and reads only under its own id, the control plane everything under <see cref="Topics.Root"/>. The same rules are in
/// <c>deploy/mosquitto/acl</c>. Pure.
/// </summary>
public static class TopicAccess
{
    /// <summary>Common name of every silo's certificate. No device may be called so.</summary>
    public const string ControlPlane = "control-plane";

    /// <summary>Whether the bearer of <paramref name="name"/> may connect with this client id: a device only with its own, or it would take another's session over; a silo with any that is not a device's.</summary>
    public static bool MayConnect(string name, string clientId) => name == ControlPlane ? clientId.StartsWith("silo-", StringComparison.Ordinal) : Names.IsValid(name) && name == clientId;

    /// <summary>Whether it may publish to <paramref name="topic"/>, a will included.</summary>
    public static bool MayPublish(string name, string topic)
    {
        if (topic.Contains('+', StringComparison.Ordinal) || topic.Contains('#', StringComparison.Ordinal))
        {
            return false;
        }

        return name == ControlPlane
            ? topic.StartsWith($"{Topics.Root}/", StringComparison.Ordinal)
            : OwnPart(name, topic) is { } own && (own == StateChannel.Name || own.StartsWith("up/", StringComparison.Ordinal));
    }

    /// <summary>Whether it may subscribe to <paramref name="filter"/>.</summary>
    public static bool MaySubscribe(string name, string filter) =>
        name == ControlPlane
            ? filter.StartsWith($"{Topics.Root}/", StringComparison.Ordinal)
            : OwnPart(name, filter) is { } own && (own == StateChannel.Name || own.StartsWith("down/", StringComparison.Ordinal));

    /// <summary>What follows the device's own prefix; null when the topic is not below it. Wildcards before it match nothing here.</summary>
    private static string? OwnPart(string name, string topic)
    {
        if (!Names.IsValid(name))
        {
            return null;
        }

        var prefix = Topics.Device(new DeviceId(name)) + "/";
        return topic.StartsWith(prefix, StringComparison.Ordinal) ? topic[prefix.Length..] : null;
    }
}
