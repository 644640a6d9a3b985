using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Rebuilding;

/// <content>Which layers make the history, in which order.</content>
internal sealed partial class RebuildPlanner
{
    private long FirstPosition()
    {
        long[] begins = [.. evidence.Layers.Where(layer => layer is { First: > 0, IsDelta: false }).Select(layer => layer.First - 1), .. evidence.Layers.Where(layer => layer.IsWholeCompacted).Select(layer => layer.Compacted!.Value.After)];
        return begins.Length > 0 ? begins.Min() : evidence.Mark.Sequence;
    }

    /// <summary>The sealed layers that the newest record names, and its head as far as it goes. Where their files are gone, a compacted layer that was made of them counts.</summary>
    private void TakeKnown(ManifestState? known)
    {
        foreach (var record in known?.Layers ?? [])
        {
            if (_layers.Count > 0 && record.After < Reached)
            {
                continue; // A compacted layer that was taken has all of it.
            }

            var found = evidence.Layers.FirstOrDefault(layer => layer.Number == record.Number);
            if (found is { HasHeader: true })
            {
                TakeNamed(record, found);
            }
            else if (found is null && record.Sealed && CompactedOver(record) is { } compacted)
            {
                _findings.Add($"layer {record.Number} is no longer here: layer {compacted.Number} was made of it and has its last versions");
                _used.ExceptWith(_layers.Where(layer => layer.After >= compacted.Compacted!.Value.After).Select(layer => layer.Number));
                _layers.RemoveAll(layer => !_used.Contains(layer.Number));
                TakeCompacted(compacted);
            }
            else if (found is null && record.Sealed && _layers.Count == 0)
            {
                RequireNotElsewhere(record);

                // A layer's file is removed only after the base, or a compacted layer, has everything that it held.
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

    /// <summary>A compacted layer that is damaged may be all there is of a layer that is gone.</summary>
    private void RequireNotElsewhere(LayerRecord record)
    {
        if (evidence.Layers.FirstOrDefault(layer => layer.Number > record.Number && (layer.HasHeader ? layer is { Compacted: not null, IsWholeCompacted: false } : layer.First > 0 || layer.Unreadable > 0)) is { } other)
        {
            throw new DrException(
                $"Layer {record.Number} is no longer here, and {other.Path}, which may have been made of it, is damaged: whether what it held is in the base nobody can tell.",
                "Put the file back when it is elsewhere; otherwise another copy of this volume is the way.");
        }
    }

    private void TakeNamed(LayerRecord record, FoundLayer found)
    {
        if (record.Sealed)
        {
            if (found.End < record.LengthBytes)
            {
                _findings.Add($"damage that stays: {found.Path}: batches end at byte {found.End}, {record.LengthBytes} were written; the rest of what it wrote up to write {record.Last}, and everything that shows it, cannot be read");
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

    private long Reached => _layers.Count > 0 ? _layers[^1].Last : _baseSequence;

    private FoundLayer? CompactedOver(LayerRecord record) => evidence.Layers.LastOrDefault(layer =>
        layer.IsWholeCompacted && layer.Number > record.Number && layer.Compacted!.Value.After <= record.After && layer.Compacted.Value.Last >= record.Last && layer.Compacted.Value.After >= _baseSequence);

    private void TakeCompacted(FoundLayer found)
    {
        var (after, last) = found.Compacted!.Value;
        Take(new LayerRecord { Number = found.Number, After = after, Kind = LayerKind.Compacted, Sealed = true, Last = last, LengthBytes = found.End, LastAt = found.LastAt }, found);
    }

    /// <summary>Layers that are newer than the newest record, in their order.</summary>
    private void TakeFollowing(ManifestState? known)
    {
        RequirePlaces(known);
        var newer = evidence.Layers.Where(layer => layer.HasHeader && layer.Number != known?.Staging?.Layer && layer.Number >= (known?.NextLayer ?? 0)).ToList();
        while (TakeNext(newer, isRecorded: known is not null))
        {
        }

        foreach (var left in newer.Where(layer => layer.First > 0 && !_used.Contains(layer.Number)))
        {
            _findings.Add(
                left.Compacted is { } span ? $"{left.Path} is a compacted layer of write {span.After + 1} to {span.Last} that is not needed: left out"
                : left.IsDelta ? $"{left.Path} is a delta that was received and that no record places: left out"
                : left.Last <= Reached ? $"{left.Path} has write {left.First} to {left.Last}, which are in another layer: left out"
                : left.First == Reached + 1 ? $"{left.Path} does not continue the batches before it: left out"
                : $"{left.Path} begins with write {left.First} and does not follow write {Reached}: left out");
        }
    }

    /// <summary>Without any record a layer is placed by its own numbers; what has none of its own would be missing in the middle without a word.</summary>
    private void RequirePlaces(ManifestState? known)
    {
        if (known is null && evidence.Layers.FirstOrDefault(layer => layer is { IsDelta: true, Compacted: null } || layer is { Compacted: not null, IsWholeCompacted: false, First: > 0 }) is { } delta)
        {
            throw new DrException($"{delta.Path} was received as a delta or is not whole, and no record says where it belongs: what follows it cannot be shown without it.", "Another copy of this volume is the way (dr-edge copy add … on the appliance that has it).");
        }
    }

    /// <summary>The layer that begins where the last one taken ends; a compacted one first, as some of what it was made of may be here still. False when there is none.</summary>
    private bool TakeNext(List<FoundLayer> newer, bool isRecorded)
    {
        if (newer.LastOrDefault(layer => layer.IsWholeCompacted && layer.Compacted!.Value.After == Reached && layer.Compacted.Value.Last > Reached) is { } compacted)
        {
            TakeCompacted(compacted);
            return true;
        }

        var batches = newer.Where(layer => layer is { First: > 0, IsDelta: false } && !_used.Contains(layer.Number)).ToList();
        var chain = _layers.Count > 0 ? ChainEnd() : null;
        if (batches.Find(layer => layer.First == Reached + 1 && (chain is null || layer.FirstPrevious == 0 || layer.FirstPrevious == chain)) is { } found)
        {
            Take(Seal(found, Reached, _layers.Count > 0 ? chain : Reached == 0 ? 0 : null), found);
            return true;
        }

        if (!isRecorded && batches.Find(layer => _layers.Exists(taken => taken.Kind == LayerKind.Log && layer.First <= taken.Last && taken.After < layer.Last)) is { } again)
        {
            throw new DrException($"{again.Path} has write {again.First} to {again.Last}, some of which are in an older layer too: the volume was taken back once, and no record says how far.", "Another copy of this volume is the way.");
        }

        return false;
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
}
