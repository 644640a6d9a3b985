using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dr.Edge.Link;

/// <summary>The link as <c>GET /link</c> on the control socket shows it.</summary>
internal sealed record LinkView(bool Connected, long DeviceEpoch, long ConfigVersion, string? LastTrouble)
{
    /// <summary>When the certificate of this device ends; null on one that has not enrolled.</summary>
    public DateTimeOffset? CertificateEnds { get; init; }

    /// <summary>A sentence when it comes near its end and was not renewed.</summary>
    public string? CertificateProblem { get; init; }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LinkView))]
internal sealed partial class LinkJson : JsonSerializerContext;
