
namespace Dr.Edge.Hosting;

/// <summary>Section <c>points</c>: points that the appliance takes by itself.</summary>
internal sealed class PointsConfig
{
    /// <summary>Time between automatic points of each writable volume, for example <c>5m</c>; null = none, only those that are asked for.</summary>
    public string? Every { get; set; }

    /// <summary>Automatic points kept per volume; the oldest gives way. 255 is what a volume can hold.</summary>
    public int Keep { get; set; } = 200;

    /// <summary>How long any second can be opened, whatever points are kept; 24 h unless it is set, at least 5 min.</summary>
    public string? FineWindow { get; set; }

    internal TimeSpan FineWindowOrDefault => Duration(FineWindow, "fineWindow") is { } window
        ? window >= TimeSpan.FromMinutes(5) ? window : TimeSpan.FromMinutes(5)
        : TimeSpan.FromHours(24);

    internal TimeSpan? EveryOrNone => Duration(Every, "every");

    private static TimeSpan? Duration(string? text, string key) => text is null ? null : Quantities.ParseDuration(text, $"points: {key}");
}
