using Dr.Edge.Archives.Reading;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Transfers;

namespace Dr.Edge.Archives.Restoring;

/// <summary>
/// A new volume. It is filled as <c>NAME.restoring</c>, with how far it came in <c>archive.state</c> in its directory, and gets its name when it is whole: nobody ever finds half a volume under the name.
/// </summary>
internal sealed class VolumeTarget : IRestoreTarget
{
    public const string StateName = "archive.state";
    public const string Suffix = ".restoring";
    private readonly VolumeSet _volumes;
    private readonly string _name;
    private readonly string _label;
    private readonly Volume _volume;
    private TransferState _state;

    /// <exception cref="DrException">The name is taken, or another restore has begun under it.</exception>
    public VolumeTarget(VolumeSet volumes, ArchiveSet set, string name)
    {
        _volumes = volumes;
        _name = name;
        _label = PointLabel.Check($"archive {set.Name}") ?? "archive";
        if (volumes.Find(name) is not null)
        {
            throw new DrException($"There is a volume or clone named {name} already.", "An archive is restored into a new volume: choose another name.");
        }

        var fresh = RestoreState.Of(set);
        var temporary = name + Suffix;
        if (volumes.Find(temporary) is { } begun)
        {
            _volume = begun;
            _state = TransferState.TryRead(StatePath) is { } state && RestoreState.IsOf(state, fresh)
                ? state
                : throw new DrException($"{temporary} is there, and it is not an interrupted restore of {set.Name}.", $"Delete it ('dr-edge volume delete {temporary}'), or choose another name.");
            if (!_volume.IsUnchangedBefore(_state.DoneBytes / Volumes.Format.StoreLimits.BlockBytes, _state.FileTicks))
            {
                throw new DrException($"{temporary} was written to by somebody else.", $"Delete it: 'dr-edge volume delete {temporary}'.");
            }
        }
        else
        {
            Volumes.Format.StoreLimits.CheckVolumeSize(set.VolumeBytes);
            _volume = volumes.Create(temporary, set.VolumeBytes);
            _state = fresh;
            Record(0, 0);
        }
    }

    public long DoneBytes => _state.DoneBytes;

    public long DataBytes => _state.DataBytes;

    private string StatePath => Path.Combine(_volume.DirectoryPath, StateName);

    public void Write(long offset, ReadOnlyMemory<byte> content) =>
        _volume.Write([new WriteExtent(offset, content.Length, ExtentKind.Data, content)], forceUnitAccess: false);

    public void Record(long doneBytes, long dataBytes)
    {
        _volume.Flush();
        _state = _state with { DoneBytes = doneBytes, DataBytes = dataBytes, FileTicks = _volume.Durable.Value };
        _state.Write(StatePath, _volume.Faults);
    }

    public void Complete()
    {
        if (_volumes.LiveClients(_volume) > 0)
        {
            throw new DrException($"{_volume.Name} is attached by a client.", "Detach it and repeat the command.");
        }

        _volume.Flush();
        if (!_volume.IsCoveredByPoint)
        {
            _volume.CreatePoint(_label, default, "restored from an archive");
        }

        _volumes.Rename(_volume, _name);
        DurableDirectory.Remove(StatePath, _volume.Faults);
    }

    public void Dispose()
    {
        // The volume is the set's; a restore that was cut off stays for the next attempt.
    }
}
