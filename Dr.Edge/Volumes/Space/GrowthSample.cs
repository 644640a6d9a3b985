namespace Dr.Edge.Volumes.Space;

/// <summary>How much there was at one moment.</summary>
/// <param name="At">When.</param>
/// <param name="WrittenBytes">Written so far, ever growing: what clients caused.</param>
/// <param name="UsedBytes">On the disk: grows with writes, falls when history gives way.</param>
internal sealed record GrowthSample(DateTimeOffset At, long WrittenBytes, long UsedBytes);
