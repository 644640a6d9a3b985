using Dr.Contracts.Wire;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Digests;

namespace Dr.Edge.Replication;

/// <summary>The store's words in the wire's, and back.</summary>
internal static class VolumeExtensions
{
    public static FrameStamp Stamp(this Volume volume, int stream) => new(stream, volume.Epoch, volume.CurrentGeneration());

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
