using System.Text.Json;
using System.Text.Json.Serialization;

namespace Dr.Silo.Storage;

/// <summary>Named facts as JSON text, keys in order, so that the same facts give the same text and hash.</summary>
internal static partial class FactsJson
{
    public static string Write(IReadOnlyDictionary<string, string> facts) =>
        JsonSerializer.Serialize(new SortedDictionary<string, string>(facts.ToDictionary(f => f.Key, f => f.Value), StringComparer.Ordinal), Context.Default.SortedDictionaryStringString);

    public static IReadOnlyDictionary<string, string> Read(string text) => JsonSerializer.Deserialize(text, Context.Default.DictionaryStringString) ?? [];

    [JsonSerializable(typeof(SortedDictionary<string, string>))]
    [JsonSerializable(typeof(Dictionary<string, string>))]
    private sealed partial class Context : JsonSerializerContext;
}
