using System.Text.RegularExpressions;

namespace Dr.Edge.Volumes;

/// <summary>A position as people write it: a point's id or label, an ISO 8601 time (UTC unless it says otherwise), or how long ago (<c>-30s</c>, <c>-5m</c>, <c>-2h</c>, <c>-1d</c>).</summary>
internal static partial class PositionText
{
    public static bool TryParseTime(string text, DateTimeOffset now, out DateTimeOffset at)
    {
        if (text.StartsWith('-') && TryParseDuration(text[1..], out var ago))
        {
            at = now - ago;
            return true;
        }

        return DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out at)
            && text.Contains('-', StringComparison.Ordinal);
    }

    public static bool TryParseDuration(string text, out TimeSpan duration)
    {
        duration = default;
        if (DurationPattern().Match(text) is not { Success: true } match || !double.TryParse(match.Groups["value"].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        var unit = match.Groups["unit"].Value switch
        {
            "ms" => TimeSpan.FromMilliseconds(1),
            "s" => TimeSpan.FromSeconds(1),
            "m" => TimeSpan.FromMinutes(1),
            "h" => TimeSpan.FromHours(1),
            _ => TimeSpan.FromDays(1),
        };
        duration = unit * value;
        return true;
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

    [GeneratedRegex("^(?<value>[0-9]+(\\.[0-9]+)?)(?<unit>ms|s|m|h|d)$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex DurationPattern();
}
