using Dr.Contracts.Wire;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Digests;

namespace Dr.Edge.Replication;

/// <summary>The store's words in the wire's, and back.</summary>
internal static class VolumeExtensions
{
    /// <summary>
    /// What a target answers carries the highest epoch it knows, but to a source that the highest one with an owner fences already: it hears of that. The one that a demotion here makes room for would be of no use to it, and
    /// as this volume's copy it would then refuse the final point.
    /// </summary>
    /// <param name="heard">The highest epoch that the source has shown.</param>
    public static FrameStamp AnswerStamp(this Volume volume, int stream, Epoch heard)
    {
        var state = volume.State;
        return new(stream, state.OwnedEpoch is { } owned && heard < owned ? owned : state.Epoch, volume.CurrentGeneration());
    }

    /// <summary>What a source sends carries the epoch it was primary at: what a demoted one still has to finish is as old as it is, and the new owner's promotion fences it.</summary>
    public static FrameStamp SourceStamp(this Volume volume, int stream) => new(stream, volume.State.PrimaryEpoch, volume.CurrentGeneration());

    /// <summary>A primary sends; one that was demoted in order goes on until its copies have its last point.</summary>
    public static bool MaySend(this Volume volume) =>
        volume.State is { Role: VolumeRole.Primary } or { Role: VolumeRole.Demoted, FinalPoint: not null };

    public static Generation CurrentGeneration(this Volume volume) => volume.Generations is { Count: > 0 } chain ? chain[^1].Generation : default;

    public static IReadOnlyList<GenerationStart> Chain(this Volume volume) =>
        [.. volume.Generations.Select(g => new GenerationStart(g.Generation, g.After))];

    public static IReadOnlyList<PointMark> Marks(this Volume volume) =>
        [.. volume.Points.Select(p => new PointMark(p.Id, p.Sequence))];

    /// <summary>Chain first: a write between the two reads then only makes the end grow within the last generation.</summary>
    public static CopyHistory History(this Volume volume)
    {
        while (true)
        {
            var chain = volume.Chain();
            var appended = volume.Appended;
            if (volume.Generations.Count == chain.Count)
            {
                return new CopyHistory(chain, appended);
            }
        }
    }

    /// <summary>What a Commit of this version of the protocol carries.</summary>
    public static DigestKind DigestOfCommit(this int version) => version >= Hello.WithChecksumDigest ? DigestKind.Checksums : DigestKind.Content;

    public static PointMark Mark(this PointInfo point) => new(point.Id, point.Sequence);

    public static IReadOnlyList<GenerationSpan> Spans(this IEnumerable<GenerationStart> chain) =>
        [.. chain.Select(g => new GenerationSpan(g.Generation, g.After))];
}
