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

    public static string Rate(double bytesPerHour, string unit) => $"{(bytesPerHour < 0 ? "-" : "")}{Quantities.FormatSize((long)Math.Abs(bytesPerHour))}/{unit}";
}
