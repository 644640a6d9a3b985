using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dr.Edge.Cli;

/// <summary>How JSON looks on the control socket and behind <c>--json</c>: camelCase, enums as text, nothing for null.</summary>
internal static class ControlJson
{
    public static readonly JsonSerializerOptions Compact = Configure(new JsonSerializerOptions());

    public static readonly JsonSerializerOptions Readable = Configure(new JsonSerializerOptions { WriteIndented = true });

    public static JsonSerializerOptions Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        options.PropertyNameCaseInsensitive = true;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.Converters.Add(new JsonStringEnumConverter(JsonNamingPolicy.CamelCase));
        return options;
    }
}
