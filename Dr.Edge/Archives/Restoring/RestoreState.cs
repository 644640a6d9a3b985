using Dr.Edge.Archives.Reading;
using Dr.Edge.Volumes.Transfers;

namespace Dr.Edge.Archives.Restoring;

/// <summary>What a restore notes about itself: the archive it came from, and how far it is.</summary>
internal static class RestoreState
{
    /// <param name="set">With at least one header. <see cref="TransferState.FileTicks"/> is the target's own.</param>
    public static TransferState Of(ArchiveSet set) => new()
    {
        Volume = set.Description!.Volume,
        Generation = set.Description.Generation,
        Sequence = set.Description.Sequence,
        SizeBytes = set.VolumeBytes,
        File = $"archive {set.Header!.Set:N}",
    };

    /// <summary>Whether <paramref name="state"/> speaks of the same archive.</summary>
    public static bool IsOf(TransferState state, TransferState fresh) => state with { DoneBytes = 0, DataBytes = 0, FileTicks = 0 } == fresh && state.DoneBytes <= fresh.SizeBytes;
}
