namespace Dr.Edge.Archives.Reading;

/// <summary>Something that is not as it was written.</summary>
/// <param name="Where">The file.</param>
/// <param name="Offset">Where in it, bytes.</param>
/// <param name="Length">How much of it, bytes; 0 when nobody can tell.</param>
internal sealed record ArchiveFinding(string Where, long Offset, long Length, string Problem)
{
    /// <summary>What of the volume cannot be read because of it; empty when nothing is lost.</summary>
    public LostRange? Lost { get; init; }
}

/// <summary>A range of the volume, bytes. Parts of it may have been holes: nobody can tell any more.</summary>
internal sealed record LostRange(long Offset, long Length);
