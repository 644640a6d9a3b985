using Dr.Contracts.Wire;
using Dr.Edge.Replication.Packing;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Digests;

namespace Dr.Edge.Replication;

/// <summary>
/// A delta on its way into its staging layer. Every block is merged with the base and proven by its checksum before it is written; one that does not come out right is asked for
/// whole, and neither the resume position nor the commit passes it until it came. One user at a time.
/// </summary>
internal sealed class TargetDelta(StagingLayer staging, PointMark? basePoint, IReadOnlyList<GenerationStart> chain, DigestKind digest) : IDisposable
{
    /// <summary>Written between two flushes: what a crash makes us receive again.</summary>
    private const long FlushEveryBytes = 8 * 1024 * 1024;

    private readonly SortedSet<long> _wrong = [];
    private readonly DeltaUnpacker _unpacker = new(staging.ReadBase);
    private long _next = staging.ResumePosition;
    private long _unflushedBytes;

    public PointInfo Target => staging.Target;

    public PointId? BaseId => basePoint?.Id;

    /// <summary>First block that is not on stable storage.</summary>
    public long DurableBlock { get; private set; } = staging.ResumePosition;

    public bool NeedsFlush => _unflushedBytes >= FlushEveryBytes;

    /// <summary>Blocks whose base turned out wrong, since the start.</summary>
    public long Divergences { get; private set; }

    /// <summary>Merges the blocks of a payload; returns those to ask for whole.</summary>
    public IReadOnlyList<long> Apply(ReadOnlySpan<byte> payload)
    {
        List<long>? wrong = null;
        long previous = -1;
        while (DeltaCodec.TryRead(ref payload, ref previous, out var entry))
        {
            if (entry.Block >= staging.Blocks)
            {
                throw new WireFormatException($"Block {entry.Block} lies beyond the volume's {staging.Blocks}.");
            }

            if (TryPut(entry))
            {
                _unflushedBytes += DeltaCodec.BlockBytes;
                _wrong.Remove(entry.Block);
            }
            else if (entry.Mask == 0xFF)
            {
                throw new WireFormatException($"Block {entry.Block} came whole and still does not match its checksum.");
            }
            else
            {
                Want(entry.Block, wrong ??= []);
            }

            _next = Math.Max(_next, entry.Block + 1);
        }

        staging.WriteKept();
        return wrong ?? [];
    }

    /// <summary>As <see cref="Apply"/>, for a part that is packed against the base; with another base here all of its blocks are asked for whole.</summary>
    public IReadOnlyList<long> ApplyPacked(ReadOnlySpan<byte> payload, bool isArranged)
    {
        var packed = PackedDelta.Read(payload, isArranged);
        if (packed.References.Length > 0 && packed.References[^1] >= staging.Blocks)
        {
            throw new WireFormatException($"Block {packed.References[^1]} is referred to and lies beyond the volume's {staging.Blocks}.");
        }

        return _unpacker.TryUnpack(packed, out var unpacked) ? Apply(unpacked) : WantAll(packed.Heads);
    }

    /// <summary>Everything received is on stable storage, then the position is.</summary>
    public void Flush()
    {
        var resume = _wrong.Count > 0 ? Math.Min(_wrong.Min, _next) : _next;
        staging.Flush(resume);
        DurableBlock = resume;
        _unflushedBytes = 0;
    }

    /// <summary>False when blocks that were asked for are still missing: the commit is then done when they are in.</summary>
    public bool TryCommit(Commit commit)
    {
        if (commit.Target != Target.Mark())
        {
            throw new WireFormatException($"The commit is of point {commit.Target.Id}, the delta of {Target.Id}.");
        }

        if (_wrong.Count > 0)
        {
            return false;
        }

        Flush();
        staging.Commit(commit.Digest.Span, chain.Spans(), digest);
        return true;
    }

    public void Discard() => staging.Discard();

    public void Dispose()
    {
        staging.Dispose();
        _unpacker.Dispose();
    }

    private List<long> WantAll(ReadOnlySpan<byte> heads)
    {
        var wrong = new List<long>();
        long block = -1;
        while (PackedDelta.TryReadHead(ref heads, ref block, out _, out _))
        {
            if (block >= staging.Blocks)
            {
                throw new WireFormatException($"Block {block} lies beyond the volume's {staging.Blocks}.");
            }

            Want(block, wrong);
            _next = Math.Max(_next, block + 1);
        }

        return wrong;
    }

    private void Want(long block, List<long> wrong)
    {
        Divergences++;
        _wrong.Add(block);
        wrong.Add(block);
    }

    /// <summary>Merges a block where it is going to be written from; false when it did not come out right.</summary>
    private bool TryPut(in DeltaBlock entry)
    {
        if (entry.Mask == 0)
        {
            if (entry.ResultCrc != BlockChecksums.OfZeros)
            {
                return false;
            }

            staging.KeepZero(entry.Block);
            return true;
        }

        var content = staging.Next();
        if (entry.Mask != 0xFF)
        {
            staging.ReadBase(entry.Block, content);
        }

        if (!entry.TryMerge(content))
        {
            return false;
        }

        staging.Keep(entry.Block, entry.ResultCrc);
        return true;
    }
}
