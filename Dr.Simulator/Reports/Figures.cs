namespace Dr.Simulator.Reports;

/// <summary>Numbers as people read them.</summary>
internal static class Figures
{
    public static string Percent(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:0.0} %");

    public static string Percent(double? value) => value is { } v ? string.Create(CultureInfo.InvariantCulture, $"{v:0.0##} %") : "–";

    public static string Seconds(double? seconds) => seconds switch
    {
        null => "–",
        0 => "0",
        < 10 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.0} s"),
        < 120 => string.Create(CultureInfo.InvariantCulture, $"{seconds:0} s"),
        < 7200 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0.0} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.0} h"),
    };

    public static string Minutes(double minutes) => minutes switch
    {
        0 => "0",
        < 10 => string.Create(CultureInfo.InvariantCulture, $"{minutes:0.0}"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{minutes:0}"),
    };

    /// <summary>A count a year that may be far below one.</summary>
    public static string Rate(double? value) => value switch
    {
        null => "–",
        < 0.01 => "< 0.01",
        < 10 => string.Create(CultureInfo.InvariantCulture, $"{value:0.0#}"),
        _ => Many(value),
    };

    /// <summary>Large counts with thin groups of three.</summary>
    public static string Many(double? value) => value switch
    {
        null => "–",
        >= 10_000_000 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e6:0} M"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{value / 1e6:0.0} M"),
        _ => value.Value.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', '\u202f'),
    };
}
