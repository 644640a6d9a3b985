using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dr.Edge.Enrolment;

/// <summary>Who this device is since it enrolled: <c>identity.json</c>. What the configuration leaves out comes from here.</summary>
internal sealed record DeviceIdentity
{
    public required string Device { get; init; }

    /// <summary><c>kiosk</c>, <c>host</c>, <c>appliance</c> or <c>broker</c>.</summary>
    public required string Role { get; init; }

    public string? Site { get; init; }

    /// <summary>Control planes to renew with, in the order to try.</summary>
    public required IReadOnlyList<string> Silos { get; init; }

    public IReadOnlyList<string> Brokers { get; init; } = [];

    public required DateTimeOffset NotAfter { get; init; }

    public required DateTimeOffset RenewAfter { get; init; }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DeviceIdentity))]
internal sealed partial class IdentityJson : JsonSerializerContext;
