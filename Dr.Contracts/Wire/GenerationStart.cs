using System.Runtime.InteropServices;

namespace Dr.Contracts.Wire;

/// <summary>One link of a history: <paramref name="Generation"/> grew from the position <paramref name="After"/> of the link before it (0 for the first).</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct GenerationStart(Generation Generation, SequenceNumber After);

/// <summary>A point's identity and position, as far as two copies must compare it.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct PointMark(PointId Id, SequenceNumber Sequence);
