using Dr.Contracts.Ids;

namespace Dr.Edge.Volumes;

/// <summary>How a restore ended.</summary>
/// <param name="Before">The point that it took first.</param>
/// <param name="To">The moment that it went to.</param>
/// <param name="Done">False when it was cancelled and taken back.</param>
internal sealed record RestoreOutcome(PointId Before, DateTimeOffset To, bool Done);
