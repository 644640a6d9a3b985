namespace Dr.Contracts.Ids;

/// <summary>A business system, for example <c>dilas</c>. Lower case letters, digits and hyphens, at most 64 characters.</summary>
[GenerateSerializer, Immutable, Alias("dr.SystemId")]
[JsonConverter(typeof(TextIdConverter<SystemId>))]
public readonly record struct SystemId([property: Id(0)] string Value) : ITextId<SystemId>
{
    public static SystemId Create(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>A site, for example <c>production</c> or <c>backup</c>.</summary>
[GenerateSerializer, Immutable, Alias("dr.SiteId")]
[JsonConverter(typeof(TextIdConverter<SiteId>))]
public readonly record struct SiteId([property: Id(0)] string Value) : ITextId<SiteId>
{
    public static SiteId Create(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>A device with an agent of ours: an appliance, a business host or a kiosk. It is also the MQTT user name and client id.</summary>
[GenerateSerializer, Immutable, Alias("dr.DeviceId")]
[JsonConverter(typeof(TextIdConverter<DeviceId>))]
public readonly record struct DeviceId([property: Id(0)] string Value) : ITextId<DeviceId>
{
    public static DeviceId Create(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>One failover, failback, drill or restore.</summary>
[GenerateSerializer, Immutable, Alias("dr.RunId")]
[JsonConverter(typeof(TextIdConverter<RunId>))]
public readonly record struct RunId([property: Id(0)] string Value) : ITextId<RunId>
{
    public static RunId Create(string value) => new(value);

    public override string ToString() => Value;
}

/// <summary>One command to a device. Executing a command id a second time returns the first result.</summary>
[GenerateSerializer, Immutable, Alias("dr.CommandId")]
[JsonConverter(typeof(TextIdConverter<CommandId>))]
public readonly record struct CommandId([property: Id(0)] string Value) : ITextId<CommandId>
{
    public static CommandId Create(string value) => new(value);

    public override string ToString() => Value;
}
