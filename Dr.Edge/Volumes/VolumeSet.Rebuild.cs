using Dr.Edge.Cli;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Rebuilding;

namespace Dr.Edge.Volumes;

/// <content>Volumes that could not be opened, and the way back for them.</content>
internal sealed partial class VolumeSet
{
    /// <summary>What a volume that cannot be opened still holds, and what a rebuild makes of it; <paramref name="apply"/> does it and opens the volume. Others go on meanwhile.</summary>
    /// <param name="name">As 'volume list' shows it, or the directory's name.</param>
    /// <param name="newName">The name it gets; null = its own, when that is known.</param>
    /// <param name="isNoClone">The operator says that it was no clone, when nothing else does.</param>
    public RebuildResult Rebuild(string name, string? newName, bool isNoClone, bool apply, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var damaged = _damaged.FirstOrDefault(d => d.Name == name || Path.GetFileName(d.Path) == name)
            ?? throw new DrException(
                Find(name) is null ? $"There is no volume named {name}." : $"Volume {name} is open: its superblock and manifest are right.",
                Find(name)?.Fault is null ? "Only a volume that 'dr-edge volume list' shows as damaged can be rebuilt." : "What is damaged in it 'dr-edge verify' says; another copy of the volume can take its place.");
        var plan = Plan(damaged.Path, newName, isNoClone, progress, cancellationToken);
        var taken = Find(plan.State.Name);
        if (taken is not null)
        {
            throw new DrException($"There is another volume named {plan.State.Name}.", "Give the rebuilt one a name with --name.");
        }

        if (!apply)
        {
            return Describe(damaged.Path, plan, aside: null, bad: []);
        }

        var aside = new Rebuilder(damaged.Path, plan, _context.Faults, Time).Apply();
        Volume volume;
        lock (_lock)
        {
            var parent = plan.Superblock.Origin is { } origin ? Find(origin.Volume) : null;
            volume = Volume.Open(damaged.Path, _context, parent);
            _volumes = new Dictionary<VolumeId, Volume>(_volumes) { [volume.Id] = volume };
            _damaged = [.. _damaged.Where(d => d != damaged)];
            ReleaseForDamaged(damaged.Path);
        }

        Changed?.Invoke(volume, true);
        volume.WriteMissingIndexes(); // One that a crash tore is made again, and no damage to report.
        var verified = new Verifier(volume, progress, cancellationToken).Run(null, null);
        return Describe(damaged.Path, plan, aside, verified.Bad);
    }

    /// <summary>The same for a directory that no process has open.</summary>
    public static RebuildResult RebuildOffline(string directory, string? newName, bool isNoClone, bool apply, TimeProvider time, Action<long, long> progress, CancellationToken cancellationToken)
    {
        directory = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        if (!Directory.Exists(directory) || !Guid.TryParse(Path.GetFileName(directory), out _) || Path.GetFileName(Path.GetDirectoryName(directory)) != VolumesFolder)
        {
            throw new DrException($"{directory} is no volume's directory.", "That is DATA/volumes/ID, as 'dr-edge volume list' names it.");
        }

        var data = Path.GetDirectoryName(Path.GetDirectoryName(directory)!)!;
        using var locked = LockDirectory(data, StoreFaults.None);
        var evidence = new EvidenceReader(directory, StoreFaults.None, progress, cancellationToken).Read();
        RequireDamage(evidence, Path.GetFileName(directory));
        var plan = new RebuildPlanner(evidence, newName, isNoClone, Generation.New(), time.GetUtcNow()).Make();
        return Describe(directory, plan, apply ? new Rebuilder(directory, plan, StoreFaults.None, time).Apply() : null, bad: []);
    }

    private RebuildPlan Plan(string path, string? newName, bool isNoClone, Action<long, long> progress, CancellationToken cancellationToken)
    {
        var evidence = new EvidenceReader(path, _context.Faults, progress, cancellationToken).Read();
        RequireDamage(evidence, Path.GetFileName(path));
        var plan = new RebuildPlanner(evidence, newName, isNoClone, Generation.New(), Time.GetUtcNow()).Make();
        if (plan.Superblock.Origin is { } origin && Find(origin.Volume) is null)
        {
            throw new DrException($"It is a clone of volume {origin.Volume}, which is not here.", "Rebuild that one first, when it is damaged too.");
        }

        return plan;
    }

    /// <summary>Without damage in what a rebuild writes anew, a rebuild can only take away.</summary>
    private static void RequireDamage(RebuildEvidence evidence, string name)
    {
        if (evidence.ManifestDamage is null && evidence.SuperblockCopies >= 2)
        {
            throw new DrException(
                $"The superblock and the manifest of {name} are right; what keeps it from being opened is something else.",
                "The reason is in 'dr-edge volume list'. A missing file must be put back; another copy of the volume is the way otherwise.");
        }
    }

    private static RebuildResult Describe(string path, RebuildPlan plan, string? aside, IReadOnlyList<BadRange> bad) => new()
    {
        Directory = path,
        Name = plan.State.Name,
        SizeBytes = plan.State.SizeBytes,
        PointCount = plan.State.Points.Count,
        Findings = plan.Findings,
        Unknown = plan.Unknown,
        Unused = plan.Unused,
        KeptAside = aside,
        Bad = bad,
    };

    /// <summary>A clone that cannot be opened holds nothing of its parent, which must all the same keep what the clone stands on until somebody has decided.</summary>
    private void HoldForDamaged()
    {
        foreach (var damaged in _damaged)
        {
            if (EvidenceReader.Glance(damaged.Path, _context.Faults).Origin is { } origin && _volumes.GetValueOrDefault(origin.Volume) is { } parent)
            {
                try
                {
                    _damagedHolds[damaged.Path] = parent.HoldPosition(origin.Sequence, $"{damaged.Name}, a damaged clone, stands on it");
                }
                catch (DrException exception)
                {
                    LogDamaged(damaged.Path, exception); // The parent has no longer what it would hold.
                }
            }
        }
    }

    private void ReleaseForDamaged(string path)
    {
        if (_damagedHolds.Remove(path, out var hold))
        {
            hold.Dispose();
        }
    }
}
