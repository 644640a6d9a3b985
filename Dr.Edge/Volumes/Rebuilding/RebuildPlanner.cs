using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Rebuilding;

/// <summary>
/// Decides from what is still there what a volume was. Pure. Nothing is guessed: the newest right manifest record counts, layers are added where they follow in number, position and chain, and what
/// nothing says is left out or said to be unknown. A rebuilt volume is demoted: whether this copy may write is for whoever promotes it to know.
/// </summary>
internal sealed class RebuildPlanner(RebuildEvidence evidence, string? name, bool isNoClone, Generation freshGeneration, DateTimeOffset now)
{
    private const string RebuiltLabel = "rebuilt";
    private readonly List<string> _findings = [];
    private readonly List<string> _unknown = [];
    private readonly List<LayerRecord> _layers = [];
    private readonly List<GenerationSpan> _generations = [];
    private readonly HashSet<long> _used = [];
    private long _baseSequence;
    private DateTimeOffset _baseAt;
    private bool _baseMoved;

    /// <exception cref="DrException">What is there does not make a volume; why, and what would.</exception>
    public RebuildPlan Make()
    {
        var known = evidence.Records.Count > 0 ? evidence.Records[^1].State : null;
        SayWhatWasFound(known);
        var identity = Identity(known);
        _baseSequence = known?.BaseSequence ?? FirstPosition();
        _baseAt = known?.BaseAt ?? evidence.Layers.FirstOrDefault(layer => layer.First > 0)?.FirstAt ?? identity.CreatedAt;
        _generations.AddRange(known?.Generations ?? []);
        TakeKnown(known);
        TakeFollowing(known);
        var last = _layers.Count > 0 ? _layers[^1].Last : _baseSequence;
        CompareWithPromises(last);
        var lastAt = _layers.Count > 0 ? _layers[^1].LastAt : _baseAt;
        var next = Math.Max(known?.NextLayer ?? 1, evidence.Layers.Select(layer => layer.Number).DefaultIfEmpty(0).Max() + 1);
        var points = Points(known, last, lastAt);
        if (_generations.Count == 0)
        {
            _generations.Add(new GenerationSpan(freshGeneration, new SequenceNumber(_baseSequence)));
        }

        var epoch = Max(known?.Epoch ?? Epoch.None, evidence.Superblock?.Epoch ?? Epoch.None);
        var merging = known?.Merging is { } number && _layers.Count > 0 && _layers[0].Number == number ? known.Merging : null;
        var (blocks, sum) = BaseFigures(known, merging);
        var state = new ManifestState
        {
            Volume = evidence.Id,
            Name = name ?? known?.Name ?? $"rebuilt-{evidence.Id.Value[..8]}",
            SizeBytes = Size(known),
            FormerSizes = known?.FormerSizes ?? [],
            Role = VolumeRole.Demoted,
            Epoch = epoch,
            Generations = [.. _generations],
            Layers = [.. _layers, new LayerRecord { Number = next, After = last, ChainStart = last == 0 ? 0 : null }],
            Points = points,
            BaseSequence = _baseSequence,
            BaseAt = _baseAt,
            Merging = merging,
            MergedTo = merging is null ? null : known?.MergedTo,
            BaseBlocks = blocks,
            BaseSum = sum,
            NextLayer = next + 1,
            Policy = known?.Policy,
            PointHolds = [.. (known?.PointHolds ?? []).Where(hold => points.Exists(point => point.Id == hold.Point))],
            Identity = identity,
        };
        _unknown.Add("whether this copy may still write, and whether a higher epoch was seen: it comes back demoted, and a promotion makes it writable");
        return new RebuildPlan
        {
            State = state,
            Superblock = new Superblock
            {
                Sequence = (evidence.Superblock?.Sequence ?? 0) + 1,
                Id = evidence.Id,
                VolumeBytes = state.SizeBytes,
                Generation = state.Generations[^1].Generation,
                Epoch = epoch,
                CreatedAt = identity.CreatedAt,
                Origin = identity.Origin,
            },
            RecordNumber = 1 + Math.Max(evidence.Mark.ManifestRecords, evidence.Records.Count > 0 ? evidence.Records[^1].Number : 0),
            Findings = _findings,
            Unknown = _unknown,
            Unused = [.. evidence.Layers.Where(layer => !_used.Contains(layer.Number)).Select(layer => layer.Path)],
        };
    }

    private void SayWhatWasFound(ManifestState? known)
    {
        _findings.Add(evidence.Superblock is null ? "superblock: no copy is right" : $"superblock: {evidence.SuperblockCopies} of {Superblock.CopyCount} copies are right and equal");
        _findings.Add(known is null
            ? "manifest: no record is right, here or behind a layer's index"
            : $"manifest: {evidence.ManifestDamage ?? "it is right"}; the newest right record is number {evidence.Records[^1].Number}, in {evidence.Records[^1].Where}");
        foreach (var damage in evidence.Layers.SelectMany(layer => layer.Damage).Concat(evidence.BaseDamage))
        {
            _findings.Add($"damage that stays: {damage}");
        }

        if (evidence.Base is null)
        {
            throw new DrException(
                "base.img or base.crc is missing: what the volume held at the beginning of its history is not here.",
                "Put the files back when they are elsewhere; otherwise another copy of this volume is the way (dr-edge copy add … on the appliance that has it).");
        }
    }

    private ManifestIdentity Identity(ManifestState? known)
    {
        if (evidence.Superblock is { } superblock)
        {
            return new ManifestIdentity(superblock.CreatedAt, superblock.Origin);
        }

        if (known?.Identity is { } identity)
        {
            return identity;
        }

        if (!isNoClone)
        {
            throw new DrException(
                "No superblock copy is right, and nothing else says whether this was a clone: without its parent a clone would read as zeros where it should not.",
                "If you are sure that it was no clone, say so with --not-a-clone.");
        }

        _unknown.Add("when it was made");
        return new ManifestIdentity(known?.BaseAt ?? DateTimeOffset.UnixEpoch.AddMicroseconds(BatchHeader.ToMicroseconds(now)), null);
    }

    private long FirstPosition()
    {
        var first = evidence.Layers.FirstOrDefault(layer => layer is { First: > 0, IsDelta: false });
        return first is not null ? first.First - 1 : evidence.Mark.Sequence;
    }

    /// <summary>The sealed layers that the newest record names, and its head as far as it goes.</summary>
    private void TakeKnown(ManifestState? known)
    {
        foreach (var record in known?.Layers ?? [])
        {
            var found = evidence.Layers.FirstOrDefault(layer => layer.Number == record.Number);
            if (found is { HasHeader: true })
            {
                if (record.Sealed)
                {
                    if (record.Kind == LayerKind.Log && found.End < record.LengthBytes)
                    {
                        _findings.Add($"damage that stays: {found.Path}: batches end at byte {found.End}, {record.LengthBytes} were written; write {found.Last + 1} to {record.Last} and everything that shows them cannot be read");
                    }

                    Take(record, found);
                }
                else if (found.First > 0)
                {
                    Take(Seal(found, record.After, record.ChainStart), found);
                }
                else
                {
                    _used.Add(found.Number);
                }
            }
            else if (found is null && record.Sealed && _layers.Count == 0)
            {
                // A layer's file is removed only after the base has everything that it held.
                _findings.Add($"layer {record.Number} is no longer here: it has gone into the base, which is at write {record.Last} now");
                (_baseSequence, _baseAt, _baseMoved) = (record.Last, record.LastAt, true);
            }
            else if (found is not null || record.Sealed)
            {
                throw new DrException(
                    found is null ? $"Layer {record.Number} is missing in the middle of the history." : $"{found.Path} does not begin with the header of its layer.",
                    "What comes after it cannot be shown without it. Put the file back when it is elsewhere; otherwise another copy of this volume is the way.");
            }
        }
    }

    /// <summary>Layers that are newer than the newest record, in their order.</summary>
    private void TakeFollowing(ManifestState? known)
    {
        foreach (var found in evidence.Layers.Where(layer => layer is { HasHeader: true, First: > 0 } && !_used.Contains(layer.Number) && layer.Number != known?.Staging?.Layer && layer.Number >= (known?.NextLayer ?? 0)))
        {
            var last = _layers.Count > 0 ? _layers[^1].Last : _baseSequence;
            if (found.IsDelta)
            {
                _findings.Add($"{found.Path} is a delta that was received and that no record places: left out");
            }
            else if (found.First != last + 1)
            {
                if (known is null && found.First <= last)
                {
                    throw new DrException($"{found.Path} begins with write {found.First}, and write {last} is in an older layer: the volume was taken back once, and no record says how far.", "Another copy of this volume is the way.");
                }

                _findings.Add($"{found.Path} begins with write {found.First} and does not follow write {last}: left out");
            }
            else if (_layers.Count > 0 && found.FirstPrevious != 0 && ChainEnd() is { } chain && found.FirstPrevious != chain)
            {
                _findings.Add($"{found.Path} does not continue the batches before it: left out");
            }
            else
            {
                Take(Seal(found, last, _layers.Count > 0 ? ChainEnd() : last == 0 ? 0 : null), found);
            }
        }
    }

    private uint? ChainEnd() => _layers[^1].Kind == LayerKind.Log ? evidence.Layers.First(layer => layer.Number == _layers[^1].Number).LastChecksum : null;

    private void Take(LayerRecord record, FoundLayer found)
    {
        _layers.Add(record);
        _used.Add(found.Number);
        foreach (var span in found.Generations.Where(span => record.Kind == LayerKind.Log && (_generations.Count == 0 || (span.After > _generations[^1].After && span.Generation != _generations[^1].Generation))))
        {
            _generations.Add(span);
        }
    }

    /// <summary>Ended where its right batches end. What lies behind stays in the file, as evidence, and is never written over.</summary>
    private LayerRecord Seal(FoundLayer found, long after, uint? chainStart)
    {
        if (found.Unreadable > 0)
        {
            _findings.Add($"{found.Path}: {found.Unreadable} bytes behind write {found.Last} (byte {found.End}) are no right batch; they stay in the file and are no part of the volume");
        }

        return new LayerRecord
        {
            Number = found.Number,
            After = after,
            Sealed = true,
            Last = found.Last,
            LengthBytes = found.End,
            ChainStart = chainStart,
            HasCutTail = found.Unreadable > 0,
            LastAt = found.LastAt,
        };
    }

    private void CompareWithPromises(long last)
    {
        var durable = Math.Max(evidence.Mark.Sequence, evidence.Layers.Where(layer => _used.Contains(layer.Number)).Select(layer => layer.Durable).DefaultIfEmpty(0).Max());
        _findings.Add($"{_layers.Count} layer(s) with writes up to {last}, on a base at write {_baseSequence}");
        if (durable > last)
        {
            _findings.Add($"write {last + 1} to {durable} had been flushed and cannot be read here: another copy of this volume may have them");
        }
    }

    private List<PointInfo> Points(ManifestState? known, long last, DateTimeOffset lastAt)
    {
        var points = (known?.Points ?? []).Where(point => point.Sequence.Value >= _baseSequence && point.Sequence.Value <= last).ToList();
        foreach (var lost in (known?.Points ?? []).Where(point => point.Sequence.Value > last))
        {
            _findings.Add($"point {lost.Id} ({lost.Label}) lies at write {lost.Sequence}, which is not here any more: it is lost");
        }

        // A layer ends where a point was taken; the newest of all may have been open still.
        var covered = known?.Layers is { Count: > 1 } layers ? layers[^2].Last : known?.BaseSequence ?? 0;
        foreach (var layer in _layers.Take(Math.Max(_layers.Count - 1, 0)).Where(layer => layer.Last > covered && points.TrueForAll(point => point.Sequence.Value != layer.Last)))
        {
            points.Add(MakePoint(points, layer.Last, layer.LastAt, "a layer ends here; which point ended it is not known"));
        }

        if (points.TrueForAll(point => point.Sequence.Value != last))
        {
            points.Add(MakePoint(points, last, lastAt, "the end of what was found"));
        }

        if (points.Count > StoreLimits.MaxPoints)
        {
            points.RemoveRange(0, points.Count - StoreLimits.MaxPoints);
        }

        _unknown.Add(known is null
            ? "names, labels and exact times of points: each layer's end has one called 'rebuilt'"
            : $"what changed after record {evidence.Records[^1].Number} besides writes: points deleted since may be here again, points taken since are called 'rebuilt'");
        return [.. points.OrderBy(point => point.Sequence).ThenBy(point => point.Id)];
    }

    private static PointInfo MakePoint(List<PointInfo> points, long sequence, DateTimeOffset at, string reason)
    {
        var id = PointId.From(at, 0);
        while (points.Exists(point => point.Id == id))
        {
            id = new PointId(id.Bits + 1);
        }

        return new PointInfo { Id = id, At = at, Sequence = new SequenceNumber(sequence), Label = RebuiltLabel, Consistency = PointConsistency.Crash, Reason = reason };
    }

    private (long Blocks, ulong Sum) BaseFigures(ManifestState? known, long? merging)
    {
        if (known is not null && !_baseMoved && known.Merging is null && merging is null)
        {
            return (known.BaseBlocks, known.BaseSum);
        }

        _unknown.Add("whether an entry of base.crc has vanished since: the entries that are there were counted anew");
        return evidence.Base!.Value;
    }

    private long Size(ManifestState? known)
    {
        var needed = Math.Max((evidence.Layers.Where(layer => _used.Contains(layer.Number)).Select(layer => layer.HighestBlock).DefaultIfEmpty(-1).Max() + 1) * StoreLimits.BlockBytes, (evidence.BaseBytes + StoreLimits.BlockBytes - 1) / StoreLimits.BlockBytes * StoreLimits.BlockBytes);
        if (known is null)
        {
            _unknown.Add("its name, and its size if it was made larger: it gets the size at creation, or what its blocks need");
        }

        return Math.Max(Math.Max(known?.SizeBytes ?? 0, evidence.Superblock?.VolumeBytes ?? 0), Math.Max(needed, StoreLimits.BlockBytes));
    }

    private static Epoch Max(Epoch a, Epoch b) => a > b ? a : b;
}
