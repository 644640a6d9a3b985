using Dr.Contracts.Wire;
using Dr.Edge.Volumes;

namespace Dr.Edge.Replication;

/// <content>What differs from a point that only the target has, found by comparing digests: the last rung before everything is sent.</content>
internal sealed partial class SourceStream
{
    /// <summary>Ranges asked about at once: 256 MiB, less than a second of hashing on either side.</summary>
    private const int RangesAtOnce = 1024;

    private const int RangeBlocks = DigestQuery.MaxBlocksPerDigest;
    private readonly Queue<Digests> _digests = new();

    /// <summary>Blocks of <paramref name="newer"/> that are not what the target holds at <paramref name="theirs"/>, or that it wrote after that.</summary>
    private async Task<IReadOnlyList<BlockRange>> FindDifferencesAsync(PointMark theirs, VolumeView newer, CancellationToken cancellationToken)
    {
        _digests.Clear();
        _copy.Progress.Enter(CopyState.CatchingUp, "comparing digests with what the peer holds");
        var blocks = (newer.SizeBytes + DeltaCodec.BlockBytes - 1) / DeltaCodec.BlockBytes;
        _copy.Progress.BeginDelta(blocks * DeltaCodec.BlockBytes, 0);
        var different = new ChangeBitmap(blocks);
        var hasher = new RangeHasher(newer);
        for (long first = 0; first < blocks; first += RangesAtOnce * RangeBlocks)
        {
            var count = (int)Math.Min(RangesAtOnce, (blocks - first + RangeBlocks - 1) / RangeBlocks);
            await SendAsync(new DigestQuery(theirs, first, count, RangeBlocks), cancellationToken);
            var ours = hasher.Compute(first, count, RangeBlocks, touched: null);
            var ranges = Different(ours, await AnswerAsync(theirs, first, count, RangeBlocks, cancellationToken));
            foreach (var range in ranges)
            {
                // All are asked before the first answer is waited for: one way there and back for all of them.
                await SendAsync(new DigestQuery(theirs, first + ((long)range * RangeBlocks), RangeBlocks, 1), cancellationToken);
            }

            foreach (var range in ranges)
            {
                var start = first + ((long)range * RangeBlocks);
                ours = hasher.Compute(start, RangeBlocks, 1, touched: null);
                foreach (var block in Different(ours, await AnswerAsync(theirs, start, RangeBlocks, 1, cancellationToken)))
                {
                    different.Set(start + block, start + block < blocks ? 1 : 0);
                }
            }

            _copy.Progress.Did((long)count * RangeBlocks * DeltaCodec.BlockBytes);
            await ReportHeadAsync(cancellationToken);
            RequirePrimary();
        }

        return different.ToRanges();
    }

    private async Task<Digests> AnswerAsync(PointMark theirs, long first, int count, int blocksPerDigest, CancellationToken cancellationToken)
    {
        while (_digests.Count == 0)
        {
            await ReceiveAsync(cancellationToken);
        }

        var answer = _digests.Dequeue();
        return (answer.Base, answer.First, answer.Count, answer.BlocksPerDigest) == (theirs.Id, first, count, blocksPerDigest)
            ? answer
            : throw new WireFormatException($"Digests of {answer.Count} ranges from block {answer.First} on came where {count} from {first} on were asked for.");
    }

    private static List<int> Different(byte[] ours, Digests theirs)
    {
        var different = new List<int>();
        for (var at = 0; at < ours.Length; at += Digests.DigestBytes)
        {
            if (!ours.AsSpan(at, Digests.DigestBytes).SequenceEqual(theirs.Values.Span.Slice(at, Digests.DigestBytes)))
            {
                different.Add(at / Digests.DigestBytes);
            }
        }

        return different;
    }
}
