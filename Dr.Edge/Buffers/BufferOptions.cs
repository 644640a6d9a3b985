namespace Dr.Edge.Buffers;

/// <summary>Where the buffers lie and how much they may hold.</summary>
internal sealed record BufferOptions
{
    /// <summary>Directory of both files; made when it is missing.</summary>
    public required string Directory { get; init; }

    /// <summary>Rows of lanes 0 and 1 together. A day of a busy kiosk (10 000 transactions of 1 KiB) is a sixth of it.</summary>
    public long TransactionBytesMax { get; init; } = 64L << 20;

    /// <summary>Rows of lane 2.</summary>
    public long BulkBytesMax { get; init; } = 256L << 20;

    /// <summary>How long a delivered row's business key is remembered against a second submission.</summary>
    public TimeSpan KeepKeys { get; init; } = TimeSpan.FromDays(7);

    /// <summary>How long the result of a finished command is remembered after it was confirmed.</summary>
    public TimeSpan KeepResults { get; init; } = TimeSpan.FromDays(7);
}
