using Dr.Edge.Archives.Format;

namespace Dr.Edge.Archives.Writing;

/// <summary>A medium that takes the parts of one archive, one after the other.</summary>
internal interface IArchiveTarget : IDisposable
{
    /// <summary>What an interrupted attempt has left whole, in order.</summary>
    IReadOnlyList<Reading.ArchivePart> WholeParts { get; }

    /// <summary>An interrupted attempt leaves what this one goes on with; a part that was not ended is begun anew.</summary>
    IArchiveOutput BeginPart(int number);

    /// <summary>The part is whole and on stable storage on return. The name of the file it is in.</summary>
    string EndPart();

    /// <summary>Every part is there: the archive gets its name.</summary>
    void Complete(ArchiveCatalogue catalogue);
}
