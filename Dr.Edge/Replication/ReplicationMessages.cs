namespace Dr.Edge.Replication;

/// <summary>Bodies on the control socket.</summary>
internal sealed record AddCopyRequest(string Peer, CopyMode Mode, double? BandwidthMbps, LossPolicy? OnLoss = null, TimeSpan? DegradeAfter = null, long? HoldBudgetBytes = null, string? BandwidthClass = null, MirrorAck? Ack = null)
{
    public CopySettings Apply(CopySettings settings) => settings with
    {
        BandwidthClass = CopyRequest.ClassOf(BandwidthClass, settings),
        HoldBudgetBytes = HoldBudgetBytes ?? settings.HoldBudgetBytes,
        Mode = Mode,
        BandwidthMbps = BandwidthMbps is 0 ? null : BandwidthMbps,
        OnLoss = OnLoss ?? settings.OnLoss,
        DegradeAfter = DegradeAfter ?? settings.DegradeAfter,
        Ack = Ack ?? settings.Ack,
    };
}

/// <summary>What is null stays as it is; a bandwidth of 0 takes the limit away.</summary>
internal sealed record SetCopyRequest(string Peer, CopyMode? Mode = null, double? BandwidthMbps = null, LossPolicy? OnLoss = null, TimeSpan? DegradeAfter = null, long? HoldBudgetBytes = null, string? BandwidthClass = null, MirrorAck? Ack = null)
{
    public CopySettings Apply(CopySettings settings) => settings with
    {
        BandwidthClass = CopyRequest.ClassOf(BandwidthClass, settings),
        HoldBudgetBytes = HoldBudgetBytes ?? settings.HoldBudgetBytes,
        Mode = Mode ?? settings.Mode,
        BandwidthMbps = BandwidthMbps is { } limit ? (limit == 0 ? null : limit) : settings.BandwidthMbps,
        OnLoss = OnLoss ?? settings.OnLoss,
        DegradeAfter = DegradeAfter ?? settings.DegradeAfter,
        Ack = Ack ?? settings.Ack,
    };
}

/// <summary>What both have in common.</summary>
internal static class CopyRequest
{
    /// <summary>Takes a copy out of its class.</summary>
    public const string NoClass = "none";

    public static string? ClassOf(string? wanted, CopySettings settings) => wanted switch
    {
        null => settings.BandwidthClass,
        NoClass => null,
        _ => wanted,
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
