
namespace Dr.Edge.Volumes;

/// <summary>A position as people write it: a point's id or label, an ISO 8601 time (UTC unless it says otherwise), or how long ago (<c>-30s</c>, <c>-5m</c>, <c>-2h</c>, <c>-1d</c>).</summary>
internal static class PositionText
{
    public static bool TryParseTime(string text, DateTimeOffset now, out DateTimeOffset at)
    {
        if (text.StartsWith('-'))
        {
            at = now - Quantities.ParseDuration(text[1..], "how long ago");
            return true;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out at)
            && text.Contains('-', StringComparison.Ordinal);
    }

    /// <summary>The point or time that <paramref name="text"/> names on this volume.</summary>
    /// <exception cref="DrException">It names neither.</exception>
    public static (PointId? Point, DateTimeOffset At) Resolve(Volume volume, string text, DateTimeOffset now)
    {
        if (PointId.TryParse(text, out var id) && volume.Points.FirstOrDefault(p => p.Id == id) is { } byId)
        {
            return (id, byId.At);
        }

        if (volume.Points.LastOrDefault(p => p.Label == text) is { } byLabel)
        {
            return (byLabel.Id, byLabel.At);
        }

        return TryParseTime(text, now, out var at)
            ? (null, at)
            : throw new DrException($"Volume {volume.Name} has no point '{text}', and it is no time either.", $"'dr-edge point list {volume.Name}' shows its points; times are ISO 8601 or like -30s.");
    }
}
