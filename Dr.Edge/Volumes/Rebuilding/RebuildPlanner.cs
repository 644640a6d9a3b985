using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Rebuilding;

/// <summary>
/// Decides from what is still there what a volume was. Pure. Nothing is guessed: the newest right manifest record counts, layers are added where they follow in number, position and chain, and what
/// nothing says is left out or said to be unknown. A rebuilt volume is demoted: whether this copy may write is for whoever promotes it to know.
/// </summary>
internal sealed partial class RebuildPlanner(RebuildEvidence evidence, string? name, bool isNoClone, Generation freshGeneration, DateTimeOffset now)
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
        var merging = Merging(known);
        var points = Points(known, merging is null ? _baseSequence : _layers[0].Last, last, lastAt);
        if (_generations.Count == 0)
        {
            _generations.Add(new GenerationSpan(freshGeneration, new SequenceNumber(_baseSequence)));
        }

        var epoch = Max(known?.Epoch ?? Epoch.None, evidence.Superblock?.Epoch ?? Epoch.None);
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
            MergedTo = merging is not null && merging == known?.Merging ? known.MergedTo : null,
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
        if (known?.Restoring is { } restoring)
        {
            _findings.Add($"a restore to the state of {restoring.At:O} had begun: the content may be between the two, and the point '{Volume.BeforeRestoreLabel}' is the way back");
        }

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

    private void CompareWithPromises(long last)
    {
        var durable = Math.Max(evidence.Mark.Sequence, evidence.Layers.Where(layer => _used.Contains(layer.Number)).Select(layer => layer.Durable).DefaultIfEmpty(0).Max());
        _findings.Add($"{_layers.Count} layer(s) with writes up to {last}, on a base at write {_baseSequence}");
        if (durable > last)
        {
            _findings.Add($"write {last + 1} to {durable} had been flushed and cannot be read here: another copy of this volume may have them");
        }
    }

    /// <summary>
    /// The layer that is on its way into the base, by the record, or because the base is no longer as the record says: how far that went nothing tells, so that only what lies behind the layer is shown.
    /// </summary>
    private long? Merging(ManifestState? known)
    {
        if (known is null || _layers.Count == 0 || (_layers.Count == 1 && !known.Layers.Any(layer => layer.Sealed && layer.Number == _layers[0].Number)))
        {
            return null;
        }

        var first = _layers[0].Number;
        if (known.Merging == first)
        {
            return first;
        }

        if (_baseMoved || (known.Merging is null && evidence.Base != (known.BaseBlocks, known.BaseSum)))
        {
            _findings.Add($"the base is not as record {evidence.Records[^1].Number} says: what was written since may be in it, up to write {_layers[0].Last}");
            return first;
        }

        return null;
    }

    private List<PointInfo> Points(ManifestState? known, long first, long last, DateTimeOffset lastAt)
    {
        var points = (known?.Points ?? []).Where(point => point.Sequence.Value >= first && point.Sequence.Value <= last && !IsInsideCompacted(point)).ToList();
        foreach (var gone in (known?.Points ?? []).Where(point => point.Sequence.Value < first || IsInsideCompacted(point)))
        {
            _findings.Add($"point {gone.Id} ({gone.Label}) at write {gone.Sequence} was let go after the record, or lies where that cannot be told: it is left out");
        }

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

    private bool IsInsideCompacted(PointInfo point) => _layers.Exists(layer => layer.Kind == LayerKind.Compacted && layer.After < point.Sequence.Value && point.Sequence.Value < layer.Last);

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
