namespace Dr.Edge.Archives.Reading;

/// <summary>A file that holds parts.</summary>
internal interface IArchiveInput : IDisposable
{
    /// <summary>Path, or whatever tells a person which medium it is.</summary>
    string Where { get; }

    long Length { get; }

    /// <summary>Bytes read (fewer only at the end), or minus the error of a place that cannot be read.</summary>
    int Read(Span<byte> destination, long offset);
}
