using Dr.Contracts.Mqtt;

namespace Dr.Edge.Volumes.Space;

/// <summary>The file system that volumes lie on.</summary>
/// <param name="Path">The data directory.</param>
/// <param name="ReserveBytes">Clients never get this.</param>
/// <param name="GiveWayBytes">Below this much available space history gives way where that is the policy.</param>
/// <param name="Growth">Written by clients of all volumes; growth of everything on it, ours or not.</param>
/// <param name="FullIn">Until writes are refused, by the worst trend; null = not within ten years.</param>
internal sealed record FileSystemSpace(string Path, long SizeBytes, long AvailableBytes, long ReserveBytes, long GiveWayBytes, SpaceLevel Level, GrowthRates Growth, TimeSpan? FullIn);
