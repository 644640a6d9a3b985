namespace Dr.Edge.Replication;

/// <summary>Bodies on the control socket.</summary>
internal sealed record AddCopyRequest(string Peer, CopyMode Mode, double? BandwidthMbps, LossPolicy? OnLoss = null, TimeSpan? DegradeAfter = null, long? HoldBudgetBytes = null)
{
    public CopySettings Apply(CopySettings settings) => settings with
    {
        HoldBudgetBytes = HoldBudgetBytes ?? settings.HoldBudgetBytes,
        Mode = Mode,
        BandwidthMbps = BandwidthMbps,
        OnLoss = OnLoss ?? settings.OnLoss,
        DegradeAfter = DegradeAfter ?? settings.DegradeAfter,
    };
}

/// <summary>What is null stays as it is; a bandwidth of 0 takes the limit away.</summary>
internal sealed record SetCopyRequest(string Peer, CopyMode? Mode = null, double? BandwidthMbps = null, LossPolicy? OnLoss = null, TimeSpan? DegradeAfter = null, long? HoldBudgetBytes = null)
{
    public CopySettings Apply(CopySettings settings) => settings with
    {
        HoldBudgetBytes = HoldBudgetBytes ?? settings.HoldBudgetBytes,
        Mode = Mode ?? settings.Mode,
        BandwidthMbps = BandwidthMbps is { } limit ? (limit > 0 ? limit : null) : settings.BandwidthMbps,
        OnLoss = OnLoss ?? settings.OnLoss,
        DegradeAfter = DegradeAfter ?? settings.DegradeAfter,
    };
}

internal sealed record EpochRequest(long Epoch, bool IfWhole = false);

internal sealed record CopyList(string Volume, VolumeRole Role, long Epoch, IReadOnlyList<CopyStatus> Copies);

internal sealed record SyncResult(string Volume, long Sequence);

internal sealed record RoleResult(string Volume, VolumeRole Role, long Epoch, long Sequence, string Generation, string? Point, string? Digest)
{
    /// <summary>What a promoted copy knew about being whole; null when it was no mirror.</summary>
    public string? Mirror { get; init; }
}

internal sealed record RemoveResult(bool Removed);
