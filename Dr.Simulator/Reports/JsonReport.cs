using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dr.Simulator.Replay;

namespace Dr.Simulator.Reports;

/// <summary>Everything, for machines.</summary>
internal static class JsonReport
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter() },
    };

    public static string Render<T>(T result) => JsonSerializer.Serialize(result, Options);
}
