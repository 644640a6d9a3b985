using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>
/// What one copy knows about where its data came from: its generations, oldest first, each with the position it grew from, and how far the last one goes.
/// </summary>
internal sealed record CopyHistory(IReadOnlyList<GenerationStart> Chain, SequenceNumber Appended)
{
    public static CopyHistory Empty { get; } = new([], SequenceNumber.Zero);

    public bool IsEmpty => Appended == SequenceNumber.Zero;

    /// <summary>Last position of a link: where the next one grew from, or the end of all.</summary>
    public SequenceNumber EndOf(int link) => link + 1 < Chain.Count ? Chain[link + 1].After : Appended;

    /// <summary>Positions grow along the chain and no generation comes twice; anything else was made up or damaged.</summary>
    public bool IsWellFormed
    {
        get
        {
            var seen = new HashSet<Generation>();
            var floor = SequenceNumber.Zero;
            foreach (var link in Chain)
            {
                if (!seen.Add(link.Generation) || link.After < floor || link.After > Appended)
                {
                    return false;
                }

                floor = link.After;
            }

            return Chain.Count > 0 || IsEmpty;
        }
    }
}
