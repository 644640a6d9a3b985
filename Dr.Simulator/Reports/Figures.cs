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
}
