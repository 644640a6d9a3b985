namespace Dr.Contracts.Mqtt;

/// <summary>Numbers that both ends of the link rely on; <c>mqtt.md</c> lists them.</summary>
public static class LinkLimits
{
    /// <summary>Rows in one batch: beyond about 50 the gain per message is small and a repeated batch costs more.</summary>
    public const int BatchRowsMax = 50;

    /// <summary>Uncompressed rows' size after which a batch is closed early; a single larger row travels alone.</summary>
    public const int BatchBytesMax = 64 * 1024;

    /// <summary>Batches of one device without an acknowledgement.</summary>
    public const int BatchesUnderWayMax = 8;

    /// <summary>A payload longer than this is compressed.</summary>
    public const int CompressAboveBytes = 4 * 1024;

    /// <summary>Longest payload that is accepted, compressed or not: a message that grows beyond it is malformed.</summary>
    public const int PayloadBytesMax = 1024 * 1024;

    /// <summary>How long the broker holds a will back, so that a short break does not look like a death.</summary>
    public static readonly TimeSpan WillDelay = TimeSpan.FromSeconds(20);

    /// <summary>A broker keeps a device's session this long; longer than <see cref="WillDelay"/>, or the will would come with the end of the session.</summary>
    public static readonly TimeSpan SessionExpiry = TimeSpan.FromSeconds(60);

    /// <summary>No acknowledgement for this long with batches under way: the device goes back to the high-water.</summary>
    public static readonly TimeSpan AcknowledgeTimeout = TimeSpan.FromSeconds(5);

    /// <summary>A final result that is not confirmed is sent again after this, and at each birth.</summary>
    public static readonly TimeSpan ResultRepeat = TimeSpan.FromSeconds(15);
}
