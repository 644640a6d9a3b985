using System.Text.Json;

namespace Dr.Contracts.Policy;

/// <summary>From when to when, on one day: <c>09:00-20:00</c>. An end of <c>24:00</c> is the end of the day.</summary>
[GenerateSerializer, Immutable, Alias("dr.OpeningHours"), JsonConverter(typeof(OpeningHoursConverter))]
public readonly record struct OpeningHours([property: Id(0)] TimeOnly From, [property: Id(1)] TimeOnly To)
{
    private const string EndOfDay = "24:00";

    public bool Contains(TimeOnly time) => From <= time && (time < To || To == TimeOnly.MaxValue);

    /// <summary>The end as time since the day's beginning; 24 hours for the end of the day.</summary>
    public TimeSpan End => To == TimeOnly.MaxValue ? TimeSpan.FromDays(1) : To.ToTimeSpan();

    public TimeSpan Length => End - From.ToTimeSpan();

    public static bool TryParse(string? text, out OpeningHours hours)
    {
        hours = default;
        var parts = text?.Split('-') ?? [];
        if (parts.Length != 2
            || !TimeOnly.TryParseExact(parts[0].Trim(), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var from)
            || !TryParseEnd(parts[1].Trim(), out var to)
            || from >= to)
        {
            return false;
        }

        hours = new OpeningHours(from, to);
        return true;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{From:HH\\:mm}-{(To == TimeOnly.MaxValue ? EndOfDay : To.ToString("HH:mm", CultureInfo.InvariantCulture))}");

    private static bool TryParseEnd(string text, out TimeOnly end)
    {
        end = TimeOnly.MaxValue;
        return text == EndOfDay || TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out end);
    }
}

/// <summary>As text in JSON.</summary>
public sealed class OpeningHoursConverter : JsonConverter<OpeningHours>
{
    public override OpeningHours Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        OpeningHours.TryParse(reader.GetString(), out var hours) ? hours : throw new JsonException("Hours are written like 09:00-20:00.");

    public override void Write(Utf8JsonWriter writer, OpeningHours value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value.ToString());
    }
}
