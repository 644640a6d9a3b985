using System.Security.Cryptography;
using System.Text;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication.Changes;

/// <summary>
/// One copy's <see cref="ChangeMap"/> on the disk. Invariant: the history up to <see cref="UpTo"/> is not needed for the copy any more; what comes after it is, and whoever calls keeps it. One caller at a time.
/// </summary>
internal sealed class ChangeMapKeeper
{
    private readonly Volume _volume;
    private readonly string _path;

    public ChangeMapKeeper(Volume volume, string peer)
    {
        _volume = volume;
        _path = Path.Combine(volume.DirectoryPath, $"changes-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(peer)))[..16]}.map");
        Note(Read());
    }

    /// <summary>The position of the common point; null without a map.</summary>
    public SequenceNumber? After { get; private set; }

    public SequenceNumber? UpTo { get; private set; }

    /// <summary>Makes the map of what was written after the position, which is still in the history, unless it is there already.</summary>
    /// <exception cref="DrException">History does not go back that far, or the disk does not take it.</exception>
    public void Begin(SequenceNumber after)
    {
        if (After != after)
        {
            Write(after, new ChangeMap(after, after, default, new ChangeBitmap(Blocks)));
        }
    }

    /// <summary>Adds what was written since. Durable on return.</summary>
    /// <exception cref="DrException">History does not go back to <see cref="UpTo"/>, the map is damaged, or the disk does not take it.</exception>
    public void Advance()
    {
        var map = Read() ?? throw new DrException($"{_path} cannot be used.", "The copy is compared with digests when it is back.");
        Write(map.After, map);
    }

    /// <summary>Everything that was written after <see cref="After"/>, up to the position at least; null when that cannot be said.</summary>
    public IReadOnlyList<BlockRange>? TryList(SequenceNumber upTo)
    {
        if (Read() is not { } map)
        {
            return null;
        }

        try
        {
            if (upTo > map.UpTo)
            {
                map.Blocks.Add(_volume.ReadChanges(map.UpTo.Value, upTo.Value));
            }

            return map.Blocks.ToRanges();
        }
        catch (Exception exception) when (exception is DrException and not DiskException)
        {
            return null;
        }
    }

    public void Drop()
    {
        Note(null);
        try
        {
            // Of one that the disk did not take, the part that it did take as well.
            File.Delete(_path + DurableFile.NewSuffix);
            File.Delete(_path);
        }
        catch (IOException)
        {
            // One that stays is of a position that is no common point any more, and is written over by the next.
        }
    }

    private long Blocks => (_volume.SizeBytes + StoreBlockBytes - 1) / StoreBlockBytes;

    private const int StoreBlockBytes = Volumes.Format.StoreLimits.BlockBytes;

    private void Write(SequenceNumber after, ChangeMap before)
    {
        // A power cut must not leave a map that ends behind what is still there.
        _volume.RequireFlushed();
        var upTo = _volume.Durable;
        before.Blocks.Add(_volume.ReadChanges(before.UpTo.Value, upTo.Value));
        var map = new ChangeMap(after, upTo, GenerationAt(upTo), before.Blocks);
        StoreFaults.Pass(CopyPoints.MapListed);
        DurableFile.Replace(_path, ChangeMapCodec.Encode(map), _volume.Faults);
        StoreFaults.Pass(CopyPoints.MapWritten);
        Note(map);
    }

    // Null when it is missing, damaged, or of a history that this volume has left.
    private ChangeMap? Read()
    {
        try
        {
            return ChangeMapCodec.Parse(File.ReadAllBytes(_path), Blocks) is { } map && map.UpTo <= _volume.Appended && GenerationAt(map.UpTo) == map.Generation ? map : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private Generation GenerationAt(SequenceNumber position) => _volume.Chain().LastOrDefault(link => link.After < position).Generation;

    private void Note(ChangeMap? map) => (After, UpTo) = (map?.After, map?.UpTo);
}
