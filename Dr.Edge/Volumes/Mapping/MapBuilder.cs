using System.Runtime.ExceptionServices;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>Puts whole layers over a map that is then kept in memory as a whole: that of a volume's present. Maps of the past are made a branch at a time, see <see cref="PastMap"/>.</summary>
internal static class MapBuilder
{
    /// <summary>More would wait for memory and for each other's allocations, and leave clients of other volumes nothing.</summary>
    public const int MaxWorkers = 4;

    /// <summary>
    /// Reads the layers' indexes from end to end, side by side: only what matched its checksum as a whole is used. Layers without a right index are read batch by batch.
    /// </summary>
    /// <param name="layers">Sealed, oldest first.</param>
    /// <exception cref="CorruptDataException">A layer has no right index, and a batch of it is damaged.</exception>
    public static IndexSource[] Read(IReadOnlyList<Layer> layers, ManifestState state)
    {
        var sources = new IndexSource[layers.Count];
        Run(layers.Count, i => sources[i] = IndexSource.Of(layers[i], state));
        return sources;
    }

    /// <summary>Puts what the layers say over <paramref name="map"/>, which nobody else uses yet; the branches are shared out among the processors.</summary>
    /// <exception cref="CorruptDataException">An index changed meanwhile, and a batch of its layer is damaged.</exception>
    public static void Apply(BlockMap map, IReadOnlyList<IndexSource> sources)
    {
        if (sources.Count == 0)
        {
            return;
        }

        Run(map.Branches, branch =>
        {
            var builder = BranchBuilder.Rent();
            try
            {
                if (builder.TryBuild(branch, sources, map, map.Base, map.NewStamp, out var built, out var contentDelta))
                {
                    map.PutBranch(branch, built, contentDelta);
                }
            }
            finally
            {
                builder.Return();
            }
        });
    }

    private static void Run(int count, Action<int> body)
    {
        try
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = Math.Min(Environment.ProcessorCount, MaxWorkers) }, body);
        }
        catch (AggregateException exception)
        {
            // What one of them met is what a caller knows how to tell.
            ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
        }
    }
}
