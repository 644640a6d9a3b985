namespace Dr.Edge.Link;

/// <summary>A beat being put together; the link adds sequence, promise and times.</summary>
internal sealed class BeatDraft
{
    public List<ReachReport> Reach { get; } = [];

    public List<SystemHealth> Systems { get; } = [];

    public List<VolumeStatus> Volumes { get; } = [];

    public List<LeaseRequest> Leases { get; } = [];

    /// <summary>Longest queue and response time any contributor saw; the link adds the processor's share.</summary>
    public LoadReport Load { get; set; } = new();
}
