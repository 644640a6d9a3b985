namespace Dr.Edge.Replication.Line.Bandwidth;

/// <summary>One entry of <c>replication: bandwidth</c>: a class as it is until a command changes it.</summary>
internal sealed class BandwidthClassConfig
{
    public string Name { get; set; } = "";

    /// <summary>Megabits a second; 0 or absent = unlimited.</summary>
    public double? Mbps { get; set; }

    /// <summary>All copies of the class together (default), or each for itself.</summary>
    public bool Shared { get; set; } = true;

    public BandwidthClass ToClass() => new() { Name = Name, Mbps = Mbps is 0 ? null : Mbps, Shared = Shared };
}
