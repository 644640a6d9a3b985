using Dr.Edge.Volumes.Background;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Retention;
using Dr.Edge.Volumes.Space;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Volumes;

/// <summary>Every volume and clone of one data directory, which it locks against a second process.</summary>
internal sealed partial class VolumeSet : IExportCatalog, IDisposable
{
    internal const string VolumesFolder = "volumes";

    /// <summary>Clones that a refusal names.</summary>
    private const int MaxNamedClones = 8;
    private readonly FileStream _lockFile;
    private readonly StoreContext _context;
    private readonly ILogger _logger;
    private readonly Lock _lock = new(); // Guards changes of _volumes and the names in use.
    private volatile Dictionary<VolumeId, Volume> _volumes = [];
    private volatile List<DamagedVolume> _damaged = [];
    private readonly Dictionary<string, IDisposable> _damagedHolds = new(StringComparer.Ordinal);

    private VolumeSet(string dataDirectory, FileStream lockFile, StoreContext context)
    {
        DirectoryPath = dataDirectory;
        _lockFile = lockFile;
        _context = context;
        _logger = context.Logger;
        context.Clones = this;
    }

    /// <summary>Raised after a volume or clone came (true) or went (false).</summary>
    public event Action<Volume, bool>? Changed;

    public string DirectoryPath { get; }

    public TimeProvider Time => _context.Time;

    public IReadOnlyList<Volume> Volumes => [.. _volumes.Values.OrderBy(volume => volume.Name, StringComparer.Ordinal)];

    /// <summary>Directories that could not be opened, with the reason; left as they are.</summary>
    public IReadOnlyList<DamagedVolume> Damaged => _damaged;

    /// <summary>Requests of clients to any volume so far; what work in the background yields to.</summary>
    internal long ClientOperations => _volumes.Values.Sum(volume => volume.Counters.Operations);

    /// <summary>See <see cref="StoreContext.MergeSliceBytes"/>; tests make it small.</summary>
    internal long MergeSliceBytes
    {
        set => _context.MergeSliceBytes = value;
    }

    internal WorkLimits WorkLimits => _context.Work;

    internal WorkPacer NewPacer() => _context.NewPacer();

    internal SpaceGuard Space => _context.Space;

    internal MaintenanceQueue Maintenance => _context.Maintenance;

    public static VolumeSet Open(string dataDirectory, TimeProvider time) => Open(dataDirectory, time, StoreFaults.None, NullLogger.Instance, TimeSpan.FromHours(24));

    /// <param name="fineWindow">How long any moment can be opened, even when the points around it are gone.</param>
    /// <param name="reserveBytes">Space that clients never get; null = by the size of the file system.</param>
    public static VolumeSet Open(string dataDirectory, TimeProvider time, StoreFaults faults, ILogger logger, TimeSpan fineWindow, long? reserveBytes = null) =>
        Open(dataDirectory, time, faults, logger, EffectivePolicy.BuiltIn with { FineWindow = fineWindow }, reserveBytes, isPaced: false);

    /// <param name="defaults">What volumes keep that have no policy of their own.</param>
    /// <param name="reserveBytes">Space that clients never get; null = by the size of the file system.</param>
    /// <param name="isPaced">Work in the background yields to clients.</param>
    /// <param name="awaitsHolds">Nothing is done with the history in the background, and so none leaves, before <see cref="StartMaintenance"/>: whoever needs some takes hold of it first.</param>
    public static VolumeSet Open(string dataDirectory, TimeProvider time, StoreFaults faults, ILogger logger, EffectivePolicy defaults, long? reserveBytes = null, bool isPaced = true, bool awaitsHolds = false)
    {
        var set = new VolumeSet(dataDirectory, LockDirectory(dataDirectory, faults), new StoreContext(time, faults, logger, defaults) { IsPaced = isPaced, Space = new SpaceGuard(() => faults.FileSystem(dataDirectory), reserveBytes) });
        try
        {
            set.OpenAll();
            set._context.Preparing.Start(); // That takes nothing from anybody.
            if (!awaitsHolds)
            {
                set.StartMaintenance();
            }

            return set;
        }
        catch
        {
            set.Dispose();
            throw;
        }
    }

    /// <summary>Everything that needs history holds it now; more than once is once.</summary>
    public void StartMaintenance() => _context.Maintenance.Start();

    /// <summary>Nothing in the background begins any more, and what is under way ends soon: from here on holds may be let go without the history that they held.</summary>
    public void StopMaintenance() => _context.Maintenance.Stop();

    public Volume? Find(string name) => _volumes.Values.FirstOrDefault(volume => volume.Name == name);

    public Volume? Find(VolumeId id) => _volumes.GetValueOrDefault(id);

    /// <exception cref="DrException">There is no volume or clone of that name.</exception>
    public Volume Get(string name) =>
        Find(name)
        ?? throw new DrException(
            _damaged.FirstOrDefault(d => d.Name == name) is { } damaged ? $"Volume {name} could not be opened: {damaged.Reason}" : $"There is no volume or clone named {name}.",
            _damaged.Exists(d => d.Name == name) ? $"'dr-edge volume rebuild {name}' says what can be made of what is left." : "'dr-edge volume list' shows what is there.");

    /// <summary>A new volume, empty, primary at epoch 1.</summary>
    public Volume Create(string name, long sizeBytes, VolumePolicy? policy = null)
    {
        var volume = Add(VolumeId.New(), name, sizeBytes, VolumeRole.Primary, Epoch.First, origin: null, parent: null);
        if (policy is not null)
        {
            volume.SetPolicy(policy);
        }

        return volume;
    }

    /// <summary>A new, empty copy of a volume whose primary is elsewhere; returns the one that is there when id, name and size agree.</summary>
    public Volume CreateReplica(VolumeId id, string name, long sizeBytes)
    {
        if (Find(id) is { } present)
        {
            return present.Name == name && present.SizeBytes == sizeBytes
                ? present
                : throw new DrException($"Volume {id} is here already as {present.Name} with {present.SizeBytes} bytes, not as {name} with {sizeBytes}.");
        }

        return Add(id, name, sizeBytes, VolumeRole.Replica, Epoch.None, origin: null, parent: null);
    }

    /// <summary>A writable volume that begins as <paramref name="parent"/> was at the point.</summary>
    public Volume CreateClone(Volume parent, PointId point, string name)
    {
        var info = parent.GetPoint(point);
        return CreateClone(parent, info.Sequence.Value, point, info.At, name, parent.SizeAt(info));
    }

    public Volume CreateClone(Volume parent, DateTimeOffset at, string name)
    {
        using var view = parent.OpenView(at);
        return CreateClone(parent, view.Sequence.Value, null, at, name, view.SizeBytes);
    }

    /// <summary>Deletes a volume or clone and everything it ever held.</summary>
    public void Delete(string name)
    {
        Volume volume;
        lock (_lock)
        {
            volume = Get(name);
            if (_volumes.Values.Where(v => v.Origin?.Volume == volume.Id).Select(v => v.Name).Order(StringComparer.Ordinal).ToList() is { Count: > 0 } clones)
            {
                throw new DrException(
                    clones.Count == 1 ? $"Volume {name} has a clone, {clones[0]}." : $"Volume {name} has {clones.Count} clones: {string.Join(", ", clones.Take(MaxNamedClones))}{(clones.Count > MaxNamedClones ? " …" : "")}.",
                    $"Delete {(clones.Count == 1 ? "it" : "them")} first: 'dr-edge clone delete {clones[0]}'.");
            }

            if (_leases.GetValueOrDefault(volume.Id) > 0)
            {
                throw new DrException($"Volume {name} is attached by {_leases[volume.Id]} client(s).", "Detach them first.");
            }

            _volumes = _volumes.Where(pair => pair.Value != volume).ToDictionary();
        }

        volume.Dispose();

        // The rename is what deletes; the files are taken away at leisure, and at the next start when that is interrupted.
        var grave = Path.Combine(DirectoryPath, VolumesFolder, $".deleted-{volume.Id}");
        DurableDirectory.Rename(volume.DirectoryPath, grave, _context.Faults);
        DurableDirectory.Sync(Path.Combine(DirectoryPath, VolumesFolder), _context.Faults);
        StoreFaults.Pass(CrashPoints.VolumeDeleted);
        DurableDirectory.Remove(grave, _context.Faults);
        Changed?.Invoke(volume, false);
    }

    public void Dispose()
    {
        // The queue first: what it still has to do is found again at the next start.
        _context.Maintenance.DisposeAsync().AsTask().Wait();
        _context.Preparing.DisposeAsync().AsTask().Wait();
        _context.Behind.DisposeAsync().AsTask().Wait();
        foreach (var volume in _volumes.Values.OrderByDescending(Depth))
        {
            volume.Dispose();
        }

        _lockFile.Dispose();
    }

    /// <summary>For <see cref="Volume.RewindTo"/>: everything after a position goes into a clone that begins there; done also when it is there already, whole.</summary>
    internal void KeepTail(Volume volume, long sequence, string name)
    {
        if (Find(name) is { } present)
        {
            if (present.Origin?.Volume != volume.Id || present.Origin.Sequence.Value != sequence)
            {
                throw new DrException($"{name} is there already and is something else.", "Keep the tail under another name.");
            }

            if (present.Points.Any(point => point.Label == Volume.TailCompleteLabel))
            {
                return;
            }

            // Left of an attempt that did not end.
            Delete(name);
        }

        var clone = CreateClone(volume, sequence, null, Time.GetUtcNow(), name, volume.SizeBytes);
        volume.CopyTailTo(clone, sequence);
    }

    /// <summary>Every clone of a volume gets a base of its own; done before the volume's history is replaced. May copy as much as the clones inherit.</summary>
    internal void DetachClonesOf(Volume volume)
    {
        foreach (var clone in Volumes.Where(v => v.Origin?.Volume == volume.Id))
        {
            clone.Detach();
        }
    }

    internal Volume CreateClone(Volume parent, long sequence, PointId? point, DateTimeOffset at, string name, long sizeBytes)
    {
        using var hold = parent.HoldForClone(new SequenceNumber(sequence), $"clone {name} is being made");
        parent.RequireFlushed(); // What the clone stands on must not be taken away by a power cut.
        return Add(VolumeId.New(), name, sizeBytes, VolumeRole.Primary, Epoch.First, new CloneOrigin(parent.Id, new SequenceNumber(sequence), point, at), parent);
    }

    private Volume Add(VolumeId id, string name, long sizeBytes, VolumeRole role, Epoch epoch, CloneOrigin? origin, Volume? parent)
    {
        CheckNew(name, sizeBytes);
        var folder = Path.Combine(DirectoryPath, VolumesFolder);
        var temporary = Path.Combine(folder, $".new-{id}");
        var superblock = new Superblock { Sequence = 1, Id = id, VolumeBytes = sizeBytes, Generation = Generation.New(), Epoch = epoch, CreatedAt = Whole(Time.GetUtcNow()), Origin = origin is null ? null : origin with { At = Whole(origin.At) } };
        Volume volume;
        lock (_lock)
        {
            if (Find(name) is not null)
            {
                throw new DrException($"There is a volume or clone named {name} already.", "Choose another name.");
            }

            try
            {
                DurableDirectory.Make(temporary, _context.Faults);
                Volume.Create(temporary, superblock, name, role, _context);
                StoreFaults.Pass(CrashPoints.CloneCreated);
                DurableDirectory.Rename(temporary, Path.Combine(folder, id.Value), _context.Faults);
                StoreFaults.Pass(CrashPoints.CloneNamed);
                DurableDirectory.Sync(folder, _context.Faults);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new DrException($"{name} could not be created: {exception.Message}", "Check the disk and the owner of the data directory.", exception);
            }

            volume = Volume.Open(Path.Combine(folder, id.Value), _context, parent);
            _volumes = new Dictionary<VolumeId, Volume>(_volumes) { [id] = volume };
        }

        Changed?.Invoke(volume, true);
        return volume;
    }

    private static void CheckNew(string name, long sizeBytes)
    {
        if (!Names.IsValid(name))
        {
            throw new DrException($"'{name}' is no name for a volume.", "1 to 64 letters, digits, hyphens, underscores and dots; the first a letter or digit.");
        }

        StoreLimits.CheckVolumeSize(sizeBytes);
    }

    /// <summary>Times on disk have whole microseconds.</summary>
    private static DateTimeOffset Whole(DateTimeOffset at) => new(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    private static FileStream LockDirectory(string dataDirectory, StoreFaults faults)
    {
        try
        {
            var volumes = Path.Combine(dataDirectory, VolumesFolder);
            if (!Directory.Exists(volumes))
            {
                // The names above a volume must last as long as the volume.
                var isNew = !Directory.Exists(dataDirectory);
                DurableDirectory.Make(dataDirectory, faults);
                DurableDirectory.Make(volumes, faults);
                DurableDirectory.Sync(dataDirectory, faults);
                if (isNew && Path.GetDirectoryName(Path.GetFullPath(dataDirectory)) is { } parent)
                {
                    DurableDirectory.Sync(parent, faults);
                }
            }

            return new FileStream(Path.Combine(dataDirectory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException exception)
        {
            throw new DrException($"The data directory {dataDirectory} is in use by another dr-edge, or cannot be written: {exception.Message}", "Stop the other one, or choose another directory with --data.", exception);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new DrException($"The data directory {dataDirectory} cannot be written: {exception.Message}", "Run as its owner.", exception);
        }
    }

    private void OpenAll()
    {
        var folder = Path.Combine(DirectoryPath, VolumesFolder);
        var waiting = new List<(string Path, VolumeId? Parent)>();
        foreach (var path in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
        {
            if (Path.GetFileName(path).StartsWith('.'))
            {
                // Not yet made or already deleted.
                DurableDirectory.Remove(path, _context.Faults);
                continue;
            }

            waiting.Add((path, ReadParent(path)));
        }

        // Parents before their clones; a clone whose parent is damaged waits in vain and is reported too.
        while (waiting.FindIndex(v => v.Parent is null || _volumes.ContainsKey(v.Parent.Value) || waiting.TrueForAll(w => w.Path != Path.Combine(folder, v.Parent.Value.Value))) is var next && next >= 0)
        {
            var (path, parent) = waiting[next];
            waiting.RemoveAt(next);
            try
            {
                var volume = Volume.Open(path, _context, parent is { } id ? _volumes.GetValueOrDefault(id) : null);
                _volumes[volume.Id] = volume;
            }
            catch (DrException exception)
            {
                _damaged.Add(new DamagedVolume(path, Rebuilding.EvidenceReader.Glance(path, _context.Faults).Name ?? Path.GetFileName(path), exception.Message));
                LogDamaged(path, exception);
            }
        }

        HoldForDamaged();
    }

    private VolumeId? ReadParent(string path)
    {
        try
        {
            using var superblock = SuperblockFile.Open(Path.Combine(path, Volume.SuperblockName), _context.Faults);
            return superblock.Current.Origin?.Volume;
        }
        catch (DrException)
        {
            // Opening it for good fails in the same way and tells.
            return null;
        }
    }

    private int Depth(Volume volume) => volume.Origin is { } origin && Find(origin.Volume) is { } parent ? Depth(parent) + 1 : 0;

    [LoggerMessage(1103, LogLevel.Error, "The volume in {Path} could not be opened and is left as it is")]
    private partial void LogDamaged(string path, Exception exception);
}

/// <summary>A directory that holds a volume which cannot be opened.</summary>
/// <param name="Name">Its name when a manifest record still says it, the directory's otherwise.</param>
internal sealed record DamagedVolume(string Path, string Name, string Reason);
