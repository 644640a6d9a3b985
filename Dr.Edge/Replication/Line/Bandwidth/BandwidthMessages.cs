namespace Dr.Edge.Replication.Line.Bandwidth;

/// <summary>Bodies on the control socket. What is null stays as it is; a rate of 0 takes the limit away.</summary>
internal sealed record SetBandwidthRequest(double? Mbps = null, bool? Shared = null)
{
    public BandwidthClass Apply(string name, BandwidthClass? there) => new()
    {
        Name = name,
        Mbps = Mbps is { } rate ? (rate == 0 ? null : rate) : there?.Mbps,
        Shared = Shared ?? there?.Shared ?? true,
    };
}

internal sealed record BandwidthList(IReadOnlyList<BandwidthItem> Classes);

/// <param name="Mbps">Null = unlimited.</param>
/// <param name="Source"><c>config</c>, or <c>command</c> when <c>bandwidth set</c> changed it.</param>
/// <param name="Copies">Copies in the class, as <c>VOLUME -&gt; PEER</c>.</param>
/// <param name="Waiting">How many of them wait for it now.</param>
/// <param name="First">Those that go before the others now.</param>
internal sealed record BandwidthItem(string Name, double? Mbps, bool Shared, string Source, IReadOnlyList<string> Copies, int Waiting, IReadOnlyList<string> First, long SentBytes, double BytesPerSecond);
