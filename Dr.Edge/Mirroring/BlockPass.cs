using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace Dr.Edge.Mirroring;

/// <summary>What one pass over a block source did.</summary>
internal sealed record PassResult
{
    public long ReadBytes { get; init; }

    /// <summary>Units of 512 bytes that were different and were written to the volume.</summary>
    public long ChangedUnits { get; init; }

    /// <summary>Chunks whose content in the volume had to be read, because their hash was not known or had changed.</summary>
    public long ComparedChunks { get; init; }

    public double Seconds { get; init; }

    /// <summary>The source did not change from the first read to the last: what the volume holds is one moment of it.</summary>
    public bool IsOneMoment { get; init; }
}

/// <summary>
/// Makes a volume equal to a block source, chunk by chunk: a chunk whose hash is the known one is passed over; any other is compared with what the volume holds, and only the units of 512 bytes that differ are written. What is
/// known is saved every few seconds, after the volume has made it durable, so that a pass that is cut off goes on from there.
/// </summary>
/// <param name="target">The volume's export as a file.</param>
/// <param name="save">Called after the volume was flushed; what the state says is true of the volume then.</param>
internal sealed class BlockPass(BlockSource source, SafeFileHandle target, MirrorState state, Action save, TimeProvider time)
{
    public const int UnitBytes = 512;
    private const int ReadBytes = 16 * MirrorState.ChunkBytes;
    private static readonly TimeSpan SavePeriod = TimeSpan.FromSeconds(5);

    private readonly byte[] _buffer = new byte[ReadBytes];
    private readonly byte[] _there = new byte[MirrorState.ChunkBytes];
    private readonly byte[] _hash = new byte[MirrorState.HashBytes];
    private readonly List<long> _written = []; // Chunks whose new hash counts only after the next flush.
    private readonly List<byte[]> _writtenHashes = [];

    /// <param name="verify">Compares contents, whatever hashes are known.</param>
    /// <param name="progress">Bytes done of all.</param>
    public PassResult Run(bool verify, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var lastSave = start;
        var markBefore = source.Mark();
        if (verify)
        {
            state.Forget();
        }

        var isWhole = state.Cursor == 0;
        long units = 0, compared = 0, read = 0;
        try
        {
            for (var offset = state.Cursor * MirrorState.ChunkBytes; offset < state.SizeBytes; offset += ReadBytes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var length = (int)Math.Min(ReadBytes, state.SizeBytes - offset);
                source.Read(_buffer.AsSpan(0, length), offset);
                read += length;
                for (var inside = 0; inside < length; inside += MirrorState.ChunkBytes)
                {
                    var content = _buffer.AsSpan(inside, Math.Min(MirrorState.ChunkBytes, length - inside));
                    var chunk = (offset + inside) / MirrorState.ChunkBytes;
                    XxHash128.Hash(content, _hash);
                    if (!state.HashOf(chunk).SequenceEqual(_hash))
                    {
                        compared++;
                        units += Bring(content, offset + inside);
                        _written.Add(chunk);
                        _writtenHashes.Add([.. _hash]);
                    }
                }

                progress(offset + length, state.SizeBytes);
                if (time.GetElapsedTime(lastSave) > SavePeriod)
                {
                    Save((offset + length) / MirrorState.ChunkBytes);
                    lastSave = time.GetTimestamp();
                }
            }
        }
        catch (OperationCanceledException)
        {
            Save(state.Cursor); // The chunks that were brought count; where to go on is where it was last saved, at the worst some are hashed again.
            throw;
        }

        var markAfter = source.Mark();
        state.Mark = isWhole ? markBefore : null;
        Save(0);
        return new PassResult
        {
            ReadBytes = read, ChangedUnits = units, ComparedChunks = compared, Seconds = Math.Round(time.GetElapsedTime(start).TotalSeconds, 3), IsOneMoment = isWhole && markBefore is not null && markBefore == markAfter,
        };
    }

    /// <summary>Writes runs of units that differ.</summary>
    private long Bring(ReadOnlySpan<byte> content, long offset)
    {
        var there = _there.AsSpan(0, content.Length);
        for (var done = 0; done < there.Length;)
        {
            var read = RandomAccess.Read(target, there[done..], offset + done);
            if (read == 0)
            {
                throw new DrException("The volume is smaller than what is mirrored onto it.", "'dr-edge volume resize' makes it larger.");
            }

            done += read;
        }

        long units = 0;
        for (var from = 0; from < content.Length;)
        {
            var length = Math.Min(UnitBytes, content.Length - from);
            if (content.Slice(from, length).SequenceEqual(there.Slice(from, length)))
            {
                from += length;
                continue;
            }

            var to = from;
            do
            {
                to += length;
                units++;
                length = Math.Min(UnitBytes, content.Length - to);
            }
            while (length > 0 && !content.Slice(to, length).SequenceEqual(there.Slice(to, length)));
            RandomAccess.Write(target, content[from..to], offset + from);
            from = to;
        }

        return units;
    }

    private void Save(long cursor)
    {
        RandomAccess.FlushToDisk(target);
        for (var index = 0; index < _written.Count; index++)
        {
            _writtenHashes[index].CopyTo(state.HashOf(_written[index]));
        }

        _written.Clear();
        _writtenHashes.Clear();
        state.Cursor = cursor;
        save();
    }
}
