using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dr.Edge.Link;

/// <summary>The link as <c>GET /link</c> on the control socket shows it.</summary>
internal sealed record LinkView(bool Connected, long DeviceEpoch, long ConfigVersion, string? LastTrouble);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LinkView))]
internal sealed partial class LinkJson : JsonSerializerContext;
