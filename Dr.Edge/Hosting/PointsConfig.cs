namespace Dr.Edge.Hosting;

/// <summary>Section <c>points</c>: points that the appliance takes by itself.</summary>
internal sealed class PointsConfig
{
    /// <summary>Time between automatic points of each writable volume, for example <c>5m</c>; null = none, only those that are asked for.</summary>
    public string? Every { get; set; }

    /// <summary>Automatic points kept per volume; the oldest gives way. 255 is what a volume can hold.</summary>
    public int Keep { get; set; } = 200;
}
