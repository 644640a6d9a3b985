namespace Dr.Edge.Volumes.Space;

/// <summary>Times and rates for people.</summary>
internal static class SpaceText
{
    /// <summary>One or two units: <c>3 d 4 h</c>, <c>5 h</c>, <c>12 min</c>, <c>now</c>.</summary>
    public static string Duration(TimeSpan time) =>
        time <= TimeSpan.Zero ? "now"
        : time < TimeSpan.FromHours(1) ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, (int)time.TotalMinutes)} min")
        : time < TimeSpan.FromDays(1) ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalHours} h")
        : time < TimeSpan.FromDays(7) ? string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays} d {time.Hours} h")
        : string.Create(CultureInfo.InvariantCulture, $"{(int)time.TotalDays} d");

    /// <summary>The moment that lies so many seconds ahead, as <c> (2026-12-01 21:40Z)</c>; nothing when it is not known or now.</summary>
    public static string Date(double? seconds, DateTimeOffset now) =>
        seconds is > 0 and var ahead ? string.Create(CultureInfo.InvariantCulture, $" ({now.AddSeconds(ahead).UtcDateTime:yyyy-MM-dd HH:mm}Z)") : "";

    public static string Rate(double bytesPerHour, string unit) => $"{(bytesPerHour < 0 ? "-" : "")}{Quantities.FormatSize((long)Math.Abs(bytesPerHour))}/{unit}";
}
