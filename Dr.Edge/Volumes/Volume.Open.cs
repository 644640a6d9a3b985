using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Mapping;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <content>Making, opening and recovering.</content>
internal sealed partial class Volume
{
    internal const string SuperblockName = "superblock";
    internal const string ManifestName = "manifest";

    /// <summary>Writes a new volume's files into <paramref name="directory"/>, which nobody takes for a volume yet; the caller renames it into place.</summary>
    internal static void Create(string directory, Superblock superblock, string name, VolumeRole role, StoreContext context)
    {
        var layers = Path.Combine(directory, "layers");
        DurableDirectory.Make(layers, context.Faults);
        BaseImage.Create(directory, context.Faults);
        CreateLayer(directory, superblock.Id, 1, context.Faults).Dispose();
        DurableDirectory.Sync(layers, context.Faults);
        ManifestFile.Create(
            Path.Combine(directory, ManifestName),
            new ManifestState
            {
                Volume = superblock.Id,
                Name = name,
                SizeBytes = superblock.VolumeBytes,
                Role = role,
                Epoch = superblock.Epoch,
                PrimaryEpoch = role == VolumeRole.Primary ? superblock.Epoch : Epoch.None,
                Generations = role == VolumeRole.Primary ? [new GenerationSpan(superblock.Generation, SequenceNumber.Zero)] : [],
                Layers = [new LayerRecord { Number = 1, After = 0, ChainStart = 0 }],
                BaseAt = superblock.CreatedAt,
                NextLayer = 2,
                CleanSequence = 0,
                Identity = new ManifestIdentity(superblock.CreatedAt, superblock.Origin),
            },
            context.Faults).Dispose();
        SuperblockFile.Create(Path.Combine(directory, SuperblockName), superblock, context.Faults).Dispose();
        DurableDirectory.Sync(directory, context.Faults);
    }

    /// <param name="parent">The volume a clone was made of; needed when the superblock names one.</param>
    internal static Volume Open(string directory, StoreContext context, Volume? parent)
    {
        var opened = new Stack<IDisposable>();
        try
        {
            var superblock = SuperblockFile.Open(Path.Combine(directory, SuperblockName), context.Faults);
            opened.Push(superblock);
            var mark = superblock.ReadMark();
            var manifest = ManifestFile.Open(Path.Combine(directory, ManifestName), mark.ManifestRecords, context.Faults);
            opened.Push(manifest);
            var state = manifest.State;
            if (state.Volume != superblock.Current.Id)
            {
                throw new CorruptDataException(Path.Combine(directory, ManifestName), 0, $"the manifest of volume {superblock.Current.Id}", $"that of {state.Volume}");
            }

            var baseImage = BaseImage.Open(directory, context.Layers, context.Faults);
            opened.Push(baseImage);
            var layers = new List<Layer>();
            foreach (var record in state.Layers)
            {
                var file = OpenLayer(directory, state.Volume, record, context);
                opened.Push(new Releaser(file));
                layers.Add(new Layer(record, file, record.Sealed ? record.LengthBytes : LayerHeader.SizeBytes));
            }

            RemoveStrayLayers(directory, state, context.Faults);
            var files = new List<LayerFile>();
            var hold = superblock.Current.Origin is { } origin && state.OwnBase != OwnBase.Whole ? (parent ?? throw new DrException($"Volume {state.Name} is a clone of a volume that is not here.")).HoldForClone(origin.Sequence, $"clone {state.Name}") : null;
            var map = hold is null
                ? new BlockMap(state.SizeBytes / StoreLimits.BlockBytes)
                : parent!.BuildMap(superblock.Current.Origin!.Sequence.Value, files);
            var volume = new Volume(directory, context, superblock, manifest, baseImage, map, layers, files, hold, parent);
            volume.Recover(mark);
            return volume;
        }
        catch
        {
            while (opened.TryPop(out var resource))
            {
                resource.Dispose();
            }

            throw;
        }
    }

    internal static DurableFile CreateLayer(string directory, VolumeId volume, long number, StoreFaults faults) => CreateLayer(directory, new LayerHeader(volume.Guid, number), faults);

    internal static DurableFile CreateLayer(string directory, LayerHeader content, StoreFaults faults)
    {
        var file = DurableFile.Open(Layer.PathOf(directory, content.Number), FileMode.Create, faults);
        try
        {
            Span<byte> header = stackalloc byte[LayerHeader.SizeBytes];
            content.Write(header);
            file.Write(header, 0);

            // Before any record names it: a layer that is named and has no header is damage.
            file.SyncData();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static LayerFile OpenLayer(string directory, VolumeId volume, LayerRecord record, StoreContext context)
    {
        var file = DurableFile.Open(Layer.PathOf(directory, record.Number), FileMode.Open, context.Faults);
        var header = new byte[LayerHeader.SizeBytes];
        var isEmpty = file.Read(header, 0) == 0;
        if (isEmpty && !record.Sealed)
        {
            // A head whose header never reached the disk has no batch either: the first flush of it would have carried both.
            new LayerHeader(volume.Guid, record.Number).Write(header);
            file.Write(header, 0);
        }

        if (LayerHeader.TryRead(header, out var read) && read.VolumeId == volume.Guid && read.Number == record.Number)
        {
            return context.Layers.Add(file);
        }

        var path = file.Path;
        file.Dispose();
        throw new CorruptDataException(path, 0, $"the header of layer {record.Number} of volume {volume}", "something else");
    }

    /// <summary>Files that no manifest names: made for a point that was not recorded before a crash, or left of a layer that has gone into the base.</summary>
    private static void RemoveStrayLayers(string directory, ManifestState state, StoreFaults faults)
    {
        foreach (var path in Directory.EnumerateFiles(Path.Combine(directory, "layers")))
        {
            var known = long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                && (number == state.Staging?.Layer || state.Layers.Any(layer => layer.Number == number));
            if (!known)
            {
                DurableDirectory.Remove(path, faults);
            }
        }
    }

    private void Recover(FlushMark mark)
    {
        long cut = 0;
        try
        {
            LoadBase();
            LoadSealedLayers();
            _appended = State.Layers[^1].After;
            _chain = State.Layers[^1].ChainStart;
            var sealedAt = State.Layers.Count > 1 ? State.Layers[^2].LastAt : State.BaseAt;
            _lastMicroseconds = BatchHeader.ToMicroseconds(sealedAt);
            _pastReadable = true;
            cut = RecoverHead(mark);
        }
        catch (CorruptDataException exception)
        {
            _unreadable = exception.Message;
            LogFailed(Name, exception.Message);
        }

        if (_unreadable is null && _head.Tail > LayerHeader.SizeBytes && _head.File.File.TrySyncData() is var errno && errno != 0)
        {
            // What a process that was killed had written may be nowhere but in memory still; until it is on the disk, no flush may be answered for it.
            _failure = $"{_head.File.File.Path} could not be flushed: {Posix.Describe(errno)}";
            LogFailed(Name, _failure);
        }

        _durable = _appended;
        _currentAsOf = _appended == 0 ? null : DateTimeOffset.UnixEpoch.AddMicroseconds(_lastMicroseconds);
        if (Fault is null)
        {
            Reopen();
        }

        UpdateGate();
        Gate.RaiseIfChanged();
        LogOpened(Name, Role, Epoch, _appended, cut);
    }

    /// <summary>A damaged entry must not turn its block into zeros: it counts as there, and reading the block is an error. Entries that vanished are found by count and sum.</summary>
    private void LoadBase()
    {
        if (State.OwnBase == OwnBase.Filling)
        {
            // A clone's own base that a crash left half filled: what it has is in the volume that the clone was made of.
            _base.Image.File.Truncate(0);
            _base.Checksums.File.Truncate(0);
        }

        var damaged = _base.Load(VolumeBlocks);
        if (damaged < 0 && State.Merging is null && (_base.Blocks != State.BaseBlocks || _base.Sum != State.BaseSum))
        {
            throw new CorruptDataException(_base.Checksums.File.Path, 0, $"{State.BaseBlocks} entries as they were written", $"{_base.Blocks} entries or others");
        }

        if (_published.Layers[0].ReadMovedEntries(State).FirstOrDefault(entry => !_base.Present.Has(entry.FirstBlock)) is { BlockCount: > 0 } gone)
        {
            throw new CorruptDataException(_base.Checksums.File.Path, gone.FirstBlock * BaseImage.EntryBytes, $"the entry of block {gone.FirstBlock}, which has moved here", "nothing");
        }

        if (_base.Blocks > 0 && Origin is not null && State.OwnBase != OwnBase.Whole)
        {
            throw new CorruptDataException(_base.Checksums.File.Path, 0, "nothing, as a clone's base is its parent's", $"{_base.Blocks} entries");
        }
    }

    private void LoadSealedLayers()
    {
        var inherited = _map;
        inherited.Grow(VolumeBlocks);
        Layer[] layers = [.. _published.Layers.Where(layer => layer.Record.Sealed)];
        _map = Origin is null || State.OwnBase == OwnBase.Whole ? new BlockMap(VolumeBlocks, _base) : inherited.Snapshot();
        inherited.Dispose();
        _map.Grow(VolumeBlocks);
        MapBuilder.Apply(_map, MapBuilder.Read(layers, State));
        if (layers.Length > 0 && State.Layers[^1].After == layers[^1].Record.Last)
        {
            _recentMaps.Keep(_map, layers[^1].Record.Last, layers[^1].Record.LastAt);
        }
    }

    /// <summary>Takes the head's batches into the map. A torn tail is cut; its length is returned. What was known durable must be there.</summary>
    private long RecoverHead(FlushMark mark)
    {
        var head = _head;
        var length = head.File.File.Length;
        head.Tail = length;
        var known = Math.Max(State.CleanSequence ?? 0, mark.LayerNumber == head.Record.Number ? mark.Sequence : 0);
        var scanner = head.Scan(State);
        var tail = (long)LayerHeader.SizeBytes;
        string? problem;
        while (true)
        {
            if (!scanner.TryNext())
            {
                problem = scanner.Problem;
                break;
            }

            problem = CheckFollows(scanner.Header);
            known = Math.Max(known, scanner.Header.Durable);
            if (problem is null && scanner.Header.LastSequence > known && scanner.FindDamagedBlock() >= 0)
            {
                problem = "data that matches its checksums";
            }

            if (problem is not null)
            {
                break;
            }

            head.ApplyBatch(_map, scanner.Header, scanner.Section, scanner.DataFileOffset);
            _chain = scanner.Header.HeaderChecksum;
            _appended = scanner.Header.LastSequence;
            _lastMicroseconds = Math.Max(_lastMicroseconds, scanner.Header.TimeMicroseconds);
            tail = scanner.NextOffset;
        }

        head.Tail = tail;
        if (problem is not null)
        {
            known = Math.Max(known, FindLaterEvidence(head, tail, length));
        }

        if (_appended < known)
        {
            throw new CorruptDataException(head.File.File.Path, tail, problem ?? $"batches up to write {known}", "something else");
        }

        var torn = FindEndOfContent(head, tail, length) - tail;
        if (tail < length)
        {
            head.File.File.Truncate(tail);
            head.File.File.SyncData();
        }

        return torn;
    }

    /// <summary>Zeros at the end are room that was made ahead (or never came onto the disk), and no loss.</summary>
    private static long FindEndOfContent(Layer head, long from, long length)
    {
        var end = from;
        var window = new byte[256 * 1024];
        for (var offset = from; offset < length; offset += window.Length)
        {
            var read = head.File.File.Read(window.AsSpan(0, (int)Math.Min(window.Length, length - offset)), offset);
            var last = window.AsSpan(0, Math.Max(read, 0)).LastIndexOfAnyExcept((byte)0);
            end = last < 0 ? end : offset + last + 1;
        }

        return end;
    }

    private string? CheckFollows(in BatchHeader header) =>
        header.FirstSequence != _appended + 1 ? $"write {_appended + 1}"
        : _chain is { } chain && header.PreviousChecksum != chain && header.PreviousChecksum != 0 ? "the batch that follows the one before"
        : null;

    /// <summary>What later batches behind a bad one say was durable when they were written: a bad batch below that is damage.</summary>
    private long FindLaterEvidence(Layer head, long from, long length)
    {
        long evidence = 0;
        var window = new byte[1 << 20];
        var magic = "DRB1"u8;
        for (var offset = from; offset < length; offset += window.Length - BatchHeader.SizeBytes)
        {
            var read = head.File.File.Read(window.AsSpan(0, (int)Math.Min(window.Length, length - offset)), offset);
            var rest = window.AsSpan(0, Math.Max(read, 0));
            for (var next = rest.IndexOf(magic); next >= 0; next = rest.IndexOf(magic))
            {
                rest = rest[next..];
                if (BatchHeader.TryRead(rest, out var header) && header.VolumeId == State.Volume.Guid && header.FirstSequence > _appended)
                {
                    evidence = Math.Max(evidence, header.Durable);
                }

                rest = rest[1..];
            }
        }

        return evidence;
    }

    /// <summary>
    /// Notes that the volume is open. After a crash a primary begins a new generation: a copy may hold writes that the crash took from here, and the same numbers must never mean
    /// something else.
    /// </summary>
    private void Reopen()
    {
        lock (_syncLock)
        {
            var state = State with { CleanSequence = null, Identity = new ManifestIdentity(CreatedAt, Origin) };
            var epoch = _superblock.Current.Epoch;
            if (epoch > state.Epoch)
            {
                state = state with { Epoch = epoch };
            }

            if (state.Role == VolumeRole.Primary && state.PrimaryEpoch < state.Epoch)
            {
                // A higher epoch had been seen when the process died on its way to saying so in the manifest.
                state = state with { Role = VolumeRole.Demoted, Restoring = null };
            }

            if (State.CleanSequence != _appended && state.Role == VolumeRole.Primary)
            {
                state = state with { Generations = WithGeneration(state.Generations, Generation.New(), _appended) };
            }

            try
            {
                CommitLocked(state);
            }
            catch (DiskException exception) when (exception.IsFull)
            {
                // No write and no point until there is room for this record; reads go on, and it is tried again by itself.
                _waitingForSpace = "the disk is full: not even its manifest can be written";
                LogFailed(Name, _waitingForSpace);
                return;
            }

            _waitingForSpace = null;
        }

        if (State.Restoring is { } mark && State.Role == VolumeRole.Primary)
        {
            try
            {
                Restore(mark, progress: null, CancellationToken.None);
            }
            catch (DrException exception)
            {
                // Half restored is nothing to write on: the gate stays shut until a later start gets through.
                _restoring = $"a restore to {mark.At:O} could not be finished: {exception.Message}";
                LogFailed(Name, _restoring);
            }
        }

        PostSpare();
        PostMaintenance();
    }

    /// <summary>Spans in which nothing was written give way to the new one.</summary>
    private static IReadOnlyList<GenerationSpan> WithGeneration(IReadOnlyList<GenerationSpan> spans, Generation generation, long after) =>
        [.. spans.Where(span => span.After.Value < after), new GenerationSpan(generation, new SequenceNumber(after))];

    private sealed class Releaser(LayerFile file) : IDisposable
    {
        public void Dispose() => file.Release();
    }
}
