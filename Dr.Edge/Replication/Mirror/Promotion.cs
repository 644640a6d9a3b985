using Dr.Edge.Replication.Leases;
using Dr.Edge.Volumes;

namespace Dr.Edge.Replication.Mirror;

/// <summary>Makes a copy the primary and says what it knew of itself before.</summary>
internal static class Promotion
{
    /// <summary>Returns what the copy was told about being whole; null when it was no mirror.</summary>
    /// <param name="onlyIfWhole">Refuse unless no answered write can be missing here.</param>
    /// <exception cref="DrException">It is not whole, or it has promised its primary not to be promoted yet (<see cref="DrException.IsTransient"/>).</exception>
    public static string? Run(Volume volume, Epoch epoch, bool onlyIfWhole, TimeProvider time)
    {
        lock (Vow.LockOf(volume))
        {
            Vow.Check(volume, epoch, time);
            return Run(volume, epoch, onlyIfWhole);
        }
    }

    private static string? Run(Volume volume, Epoch epoch, bool onlyIfWhole)
    {
        var belief = MirrorBelief.Of(volume);
        if (onlyIfWhole && volume.Role == VolumeRole.Replica && belief is not { IsCertain: true })
        {
            throw new DrException(
                $"The copy of '{volume.Name}' here does not know that it is whole: {belief?.Describe() ?? "it is not synchronous"}.",
                "Ask the old primary or the control plane, or promote without --if-whole and accept the loss.");
        }

        volume.Promote(epoch);
        return belief?.Describe();
    }
}
