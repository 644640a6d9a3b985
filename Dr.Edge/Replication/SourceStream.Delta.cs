using System.Buffers;
using Dr.Contracts.Wire;
using Dr.Edge.Replication.Packing;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Replication;

internal sealed partial class SourceStream
{
    private const int DeltaFrameBytes = 512 * 1024;
    private const int ReadBlocks = 64;

    private async Task<Position> ShipDeltaAsync(SourceStep.Delta step, Position position, CancellationToken cancellationToken)
    {
        _copy.Progress.Enter(step.Base is null ? CopyState.Seeding : CopyState.CatchingUp);
        (_copy.DeltaBase, _copy.IsComparing) = (step.Base?.Id, step.ByDigests);
        var target = step.Target is { } mark ? _volume.Points.First(p => p.Id == mark.Id) : _volume.CreatePoint(PointKinds.CopyLabel, PointConsistency.Crash, PointKinds.CopyReason);
        if (HasGrown)
        {
            // The point may be larger than the peer's copy is.
            return await AnnounceAsync(cancellationToken);
        }

        using var newer = _volume.OpenView(target.Id);
        using var older = step is { Base: { } basePoint, ByDigests: false, ByMap: false } ? _volume.OpenView(basePoint.Id) : null;
        var changed = step switch
        {
            { ByMap: true } => _copy.Holds.ListMapped(target.Sequence),
            { Base: { } theirs, ByDigests: true } => await FindDifferencesAsync(theirs, newer, cancellationToken),
            _ => _volume.ChangedBlocks(step.Base?.Id, target.Id),
        };
        if (changed is null)
        {
            return position; // One step down the ladder.
        }

        _window.Start(0);
        _stagedAck = null;
        var chain = _volume.Chain().Where(g => g.After <= target.Sequence).ToArray();
        await SendAsync(new DeltaBegin(step.Base ?? default, target, step.FromBlock, chain), cancellationToken);
        while (_stagedAck?.StagedTarget != target.Id)
        {
            await ReceiveAsync(cancellationToken);
        }

        StoreFaults.Pass(CopyPoints.DeltaBegun);

        // The target knows what it has; what the plan believed was only good for choosing the point.
        using var state = new DeltaState(_stagedAck.StagedBlock) { IsBeyondBase = step.Base is { } start && start.Sequence < position.Appended, IsWhole = step.ByDigests || step.ByMap };
        await ShipBlocksAsync(changed, older, newer, state, cancellationToken);
        await SendAsync(new Commit(target.Mark(), newer.Digest(_digest)), cancellationToken);
        StoreFaults.Pass(CopyPoints.CommitSent);
        _position = null;
        while (_position is null)
        {
            await SendWantedAsync(newer, cancellationToken);
            await ReceiveAsync(cancellationToken);
        }

        // The whole content of the target was proven: what differed before is history.
        _copy.OnProven();
        Volatile.Write(ref _applied, _position.Appended.Value);
        _journalGoneAt = null;
        return _position;
    }

    /// <summary>From the part on at which the line turns out to be slower than packing is, as long as the peer knows of it and there is a base to pack against.</summary>
    private async Task PackWhereItPaysAsync(IReadOnlyList<BlockRange> changed, VolumeView? older, DeltaState state, CancellationToken cancellationToken)
    {
        var rate = Math.Min(_copy.Pace.BytesPerSecond, _copy.Line.BytesPerSecond);
        if (!_packs || older is null || state.Packer is not null || rate > DeltaPacker.FastestLineBytesPerSecond)
        {
            return;
        }

        var index = new ReferenceIndex(changed.Sum(range => range.Count));
        var content = new byte[ReadBlocks * DeltaCodec.BlockBytes];
        foreach (var range in changed)
        {
            for (var block = range.First; block < range.First + range.Count; block += ReadBlocks)
            {
                var count = (int)Math.Min(ReadBlocks, range.First + range.Count - block);
                older.ReadPadded(block * DeltaCodec.BlockBytes, content.AsSpan(0, count * DeltaCodec.BlockBytes));
                for (var i = 0; i < count; i++)
                {
                    index.Add(block + i, content.AsSpan(i * DeltaCodec.BlockBytes, DeltaCodec.BlockBytes));
                }

                await ReportHeadAsync(cancellationToken);
                TakeAnswers();
                RequirePrimary();
            }
        }

        state.Packer = new DeltaPacker(index, (block, destination) => older.ReadPadded(block * DeltaCodec.BlockBytes, destination), _arranges, rate);
        state.MeasuredAt = _time.GetTimestamp();
    }

    private async Task ShipBlocksAsync(IReadOnlyList<BlockRange> changed, VolumeView? older, VolumeView newer, DeltaState state, CancellationToken cancellationToken)
    {
        var before = new byte[ReadBlocks * DeltaCodec.BlockBytes];
        var after = new byte[ReadBlocks * DeltaCodec.BlockBytes];
        var firstBlock = state.Next;
        await PackWhereItPaysAsync(changed, older, state, cancellationToken);
        state.MeasuredAt = _time.GetTimestamp();
        _copy.Progress.BeginDelta(changed.Sum(r => r.Count) * DeltaCodec.BlockBytes, changed.Sum(r => Math.Clamp(firstBlock - r.First, 0, r.Count)) * DeltaCodec.BlockBytes);
        foreach (var range in changed)
        {
            var start = Math.Max(range.First, firstBlock);
            for (var block = start; block < range.First + range.Count; block += ReadBlocks)
            {
                var count = (int)Math.Min(ReadBlocks, range.First + range.Count - block);
                Compare(older, newer, block, count, before, after, state);
                _copy.Progress.Did(count * (long)DeltaCodec.BlockBytes);
                if (_payload.WrittenCount >= _copy.Pace.FrameBytes(DeltaFrameBytes))
                {
                    await FlushDeltaAsync(state, newer, cancellationToken);
                    await PackWhereItPaysAsync(changed, older, state, cancellationToken);
                    await ReportHeadAsync(cancellationToken);
                    TakeAnswers();
                    RequirePrimary();
                }
            }
        }

        await FlushDeltaAsync(state, newer, cancellationToken);
    }

    private void Compare(VolumeView? older, VolumeView newer, long block, int count, byte[] before, byte[] after, DeltaState state)
    {
        var offset = block * DeltaCodec.BlockBytes;
        newer.ReadPadded(offset, after.AsSpan(0, count * DeltaCodec.BlockBytes));
        older?.ReadPadded(offset, before.AsSpan(0, count * DeltaCodec.BlockBytes));
        for (var i = 0; i < count; i++)
        {
            var at = i * DeltaCodec.BlockBytes;
            var now = after.AsSpan(at, DeltaCodec.BlockBytes);
            if (state.IsWhole)
            {
                // Nobody here knows what the target's point holds.
                DeltaCodec.Append(_payload, ref state.Previous, block + i, (byte)(now.ContainsAnyExcept((byte)0) ? 0xFF : 0), now);
                state.ChangedBytes += DeltaCodec.BlockBytes;
                state.Next = block + i + 1;
                continue;
            }

            var units = DeltaCodec.Append(_payload, ref state.Previous, block + i, before.AsSpan(at, DeltaCodec.BlockBytes), now);
            if (units == 0 && state.IsBeyondBase)
            {
                // As it is in the base, while the target may hold what it was in between: one unit, or none for zeros, is enough to say so.
                DeltaCodec.Append(_payload, ref state.Previous, block + i, (byte)(now.ContainsAnyExcept((byte)0) ? 1 : 0), now);
            }

            state.ChangedBytes += units * DeltaCodec.UnitBytes;
            state.Next = block + i + 1;
        }
    }

    private async Task FlushDeltaAsync(DeltaState state, VolumeView newer, CancellationToken cancellationToken)
    {
        var (type, payload) = state.Packer is { } packer && _payload.WrittenCount > 0 ? packer.Pack(_payload.WrittenSpan) : default;
        var (waiting, wireBytes) = (_time.GetTimestamp(), _copy.Progress.WireBytes);
        await SendWantedAsync(newer, cancellationToken);
        while (!_window.HasRoom)
        {
            // The target's position does not pass a block that it asked for: those go first, without regard to the window.
            await ReceiveAsync(cancellationToken);
            await SendWantedAsync(newer, cancellationToken);
        }

        if (_payload.WrittenCount > 0)
        {
            _window.Add(Math.Max(state.Next, _window.Sent), _payload.WrittenCount);
            if (state.Packer is not null)
            {
                await SendPayloadAsync(type, payload, compression: null, state.ChangedBytes, cancellationToken);
                _payload.ResetWrittenCount();
            }
            else
            {
                await SendPayloadAsync(FrameType.Delta, _payload, state.ChangedBytes, cancellationToken);
            }

            StoreFaults.Pass(CopyPoints.DeltaSent);
        }

        var now = _time.GetTimestamp();
        _copy.Line.Add(_copy.Progress.WireBytes - wireBytes, _time.GetElapsedTime(waiting, now), _time.GetElapsedTime(state.MeasuredAt, now));
        (state.ChangedBytes, state.Previous, state.MeasuredAt) = (0, -1, now);
    }

    private async Task SendWantedAsync(VolumeView newer, CancellationToken cancellationToken)
    {
        if (_wanted.Count == 0)
        {
            return;
        }

        var content = new byte[DeltaCodec.BlockBytes];
        var whole = new ArrayBufferWriter<byte>();
        while (_wanted.Count > 0)
        {
            long previous = -1;
            long sent = 0;
            var blocks = new SortedSet<long>();
            while (blocks.Count < DeltaFrameBytes / DeltaCodec.BlockBytes && _wanted.TryDequeue(out var wanted))
            {
                if (wanted * DeltaCodec.BlockBytes < newer.SizeBytes)
                {
                    blocks.Add(wanted);
                }
            }

            foreach (var block in blocks)
            {
                var offset = block * DeltaCodec.BlockBytes;
                content.AsSpan().Clear();
                newer.Read(offset, content.AsSpan(0, (int)Math.Min(DeltaCodec.BlockBytes, newer.SizeBytes - offset)));
                DeltaCodec.Append(whole, ref previous, block, 0xFF, content);
                sent += DeltaCodec.BlockBytes;
            }

            _copy.OnDivergentBlocks(blocks.Count);
            await SendPayloadAsync(FrameType.Delta, whole, sent, cancellationToken);
        }
    }

    private void RequirePrimary()
    {
        if (!_volume.MaySend())
        {
            throw new DrException("No longer primary: the delta is not finished.", isTransient: true);
        }
    }

    // Where the comparison is within the delta and within the payload that is being filled.
    private sealed class DeltaState(long next) : IDisposable
    {
        public long Previous = -1;

        /// <summary>The target stands at a later position than the base: what changed and changed back has to be sent as well.</summary>
        public bool IsBeyondBase { get; init; }

        /// <summary>Null: parts are compressed as they are.</summary>
        public DeltaPacker? Packer { get; set; }

        /// <summary>What the line carries is known up to here.</summary>
        public long MeasuredAt { get; set; }

        /// <summary>Every block is sent whole.</summary>
        public bool IsWhole { get; init; }

        public long Next { get; set; } = next;

        public long ChangedBytes { get; set; }

        public void Dispose() => Packer?.Dispose();
    }
}
