namespace Dr.Edge.Archives.Writing;

/// <summary>Where a part goes: written from its beginning to its end, never anywhere else.</summary>
internal interface IArchiveOutput
{
    /// <exception cref="DrException">It could not be written.</exception>
    void Append(ReadOnlySpan<byte> data);
}
