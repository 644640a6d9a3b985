using System.Text.Json;

namespace Dr.Contracts.Ids;

/// <summary>An id whose value is a short text; in JSON it is that text.</summary>
public interface ITextId<TSelf>
    where TSelf : struct, ITextId<TSelf>
{
    /// <summary>The text itself; never null in an id that was made with <see cref="Create"/>.</summary>
    string Value { get; }

    /// <summary>Wraps <paramref name="value"/> without checking it; names are checked where they are first accepted (<see cref="Names"/>).</summary>
    static abstract TSelf Create(string value);
}

/// <summary>Writes a text id as a JSON string, also as a property name.</summary>
public sealed class TextIdConverter<T> : JsonConverter<T>
    where T : struct, ITextId<T>
{
    public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        T.Create(reader.GetString() ?? throw new JsonException("An id must be a string, not null."));

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);

    public override T ReadAsPropertyName(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => T.Create(reader.GetString()!);

    public override void WriteAsPropertyName(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WritePropertyName(value.Value);
}
