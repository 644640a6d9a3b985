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
        Converters = { new JsonStringEnumConverter(), new FindingConverter() },
    };

    public static string Render<T>(T result) => JsonSerializer.Serialize(result, Options);

    /// <summary>Findings in English: machines that want them otherwise have the figures.</summary>
    private sealed class FindingConverter : JsonConverter<Finding>
    {
        public override Finding Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException("Reports are only written.");

        public override void Write(Utf8JsonWriter writer, Finding value, JsonSerializerOptions options) => writer.WriteStringValue(Texts.English.Of(value));
    }
}
