namespace Dr.Contracts.Ids;

/// <summary>
/// The fencing number of a business system and of its volumes. It only grows; whatever acts remembers the highest it has seen and refuses lower ones.
/// A volume without a control plane starts at 1; 0 means "none yet".
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.Epoch")]
[JsonConverter(typeof(EpochConverter))]
public readonly record struct Epoch([property: Id(0)] long Value) : IComparable<Epoch>
{
    public static Epoch None => default;

    public static Epoch First => new(1);

    public Epoch Next => new(Value + 1);

    public int CompareTo(Epoch other) => Value.CompareTo(other.Value);

    public static bool operator <(Epoch left, Epoch right) => left.Value < right.Value;

    public static bool operator >(Epoch left, Epoch right) => left.Value > right.Value;

    public static bool operator <=(Epoch left, Epoch right) => left.Value <= right.Value;

    public static bool operator >=(Epoch left, Epoch right) => left.Value >= right.Value;

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// The position of a write in a volume's history: the first write has number 1, each further write one more; 0 is the empty volume.
/// Only comparable between copies that share the <see cref="Generation"/>.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.SequenceNumber")]
[JsonConverter(typeof(SequenceNumberConverter))]
public readonly record struct SequenceNumber([property: Id(0)] long Value) : IComparable<SequenceNumber>
{
    public static SequenceNumber Zero => default;

    public int CompareTo(SequenceNumber other) => Value.CompareTo(other.Value);

    public static bool operator <(SequenceNumber left, SequenceNumber right) => left.Value < right.Value;

    public static bool operator >(SequenceNumber left, SequenceNumber right) => left.Value > right.Value;

    public static bool operator <=(SequenceNumber left, SequenceNumber right) => left.Value <= right.Value;

    public static bool operator >=(SequenceNumber left, SequenceNumber right) => left.Value >= right.Value;

    public static SequenceNumber operator +(SequenceNumber left, long count) => new(left.Value + count);

    public override string ToString() => Value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Epochs are plain numbers in JSON.</summary>
public sealed class EpochConverter : JsonConverter<Epoch>
{
    public override Epoch Read(ref System.Text.Json.Utf8JsonReader reader, Type typeToConvert, System.Text.Json.JsonSerializerOptions options) => new(reader.GetInt64());

    public override void Write(System.Text.Json.Utf8JsonWriter writer, Epoch value, System.Text.Json.JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}

/// <summary>Sequence numbers are plain numbers in JSON.</summary>
public sealed class SequenceNumberConverter : JsonConverter<SequenceNumber>
{
    public override SequenceNumber Read(ref System.Text.Json.Utf8JsonReader reader, Type typeToConvert, System.Text.Json.JsonSerializerOptions options) => new(reader.GetInt64());

    public override void Write(System.Text.Json.Utf8JsonWriter writer, SequenceNumber value, System.Text.Json.JsonSerializerOptions options) => writer.WriteNumberValue(value.Value);
}
