namespace Dr.Edge.Volumes.Space;

/// <summary>What one volume or clone costs on its disk, in bytes that the file system has really given it, unless it says otherwise.</summary>
internal sealed record VolumeSpace
{
    /// <summary>Everything in the volume's directory: what deleting it would free.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>base.img and base.crc: the volume at the position its history begins.</summary>
    public required long BaseBytes { get; init; }

    /// <summary>All layers, the head included.</summary>
    public required long LayerBytes { get; init; }

    /// <summary>The layer that is being written.</summary>
    public required long HeadBytes { get; init; }

    /// <summary>Of a clone: content that lies in the volume it was made of and costs nothing here; 0 otherwise.</summary>
    public required long SharedBytes { get; init; }

    /// <summary>Of a clone: what only the clone keeps from giving way in the volume it was made of.</summary>
    public required long HeldBytes { get; init; }

    /// <summary>Versions in sealed layers that no point shows any more: freed by background work in time.</summary>
    public required long WaitingBytes { get; init; }

    /// <summary>Different bytes of the volume that were changed in the layers sealed within the last 24 h; written much more than this means that the same blocks are written again and again.</summary>
    public required long ChangedLastDayBytes { get; init; }

    public required IReadOnlyList<LayerSpace> Layers { get; init; }

    public required IReadOnlyList<PointSpace> Points { get; init; }
}

/// <param name="Number">As in its file's name.</param>
/// <param name="AllocatedBytes">On disk.</param>
/// <param name="WrittenBytes">Written into it, headers and overwritten versions included.</param>
/// <param name="ChangedBytes">Last versions of data in it; null for the head and where its index is not there yet.</param>
/// <param name="SupersededBytes">Of those, overwritten by the next layer; null where not known.</param>
internal sealed record LayerSpace(long Number, bool IsHead, DateTimeOffset? LastAt, long AllocatedBytes, long WrittenBytes, long? ChangedBytes, long? SupersededBytes);

/// <summary>What a point costs.</summary>
/// <param name="FreedBytes">What deleting this point alone frees (once it has left the fine window); null where not known yet.</param>
/// <param name="SharedBytes">Changed between the point before and this one, and still shown by later points or the present: stays when this point goes.</param>
/// <param name="HeldBy">Why it cannot be deleted now.</param>
internal sealed record PointSpace(PointId Point, long? FreedBytes, long? SharedBytes, string? HeldBy);
