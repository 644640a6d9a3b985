using System.Runtime.CompilerServices;
using System.Text.Json;
using Dr.Edge.Cli;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Replication.Leases;

/// <summary>
/// What a copy has promised its primary, on its disk (<c>vow.json</c> in the volume's directory): not to become primary before a time. Kept in the machine's monotonic time, which survives a restart of the process; after
/// a restart of the machine the whole duration begins anew.
/// </summary>
internal sealed record Vow(long Epoch, long DurationMs, long UntilTimestamp, string Boot)
{
    /// <summary>The primary's clock may run slow by this, and a write that it let pass may take <see cref="GateTime"/> to be answered: the control plane's lease clock counts the same.</summary>
    public const double DriftRho = 0.01;

    public static readonly TimeSpan GateTime = TimeSpan.FromSeconds(2);

    private const string FileName = "vow.json";
    private static readonly string ThisBoot = File.Exists("/proc/sys/kernel/random/boot_id") ? File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim() : "unknown";

    /// <summary>A promise and a promotion exclude each other: whichever is second sees the first.</summary>
    private static readonly ConditionalWeakTable<Volume, Lock> Locks = [];

    public static Lock LockOf(Volume volume) => Locks.GetValue(volume, static _ => new Lock());

    /// <summary>Promises for <paramref name="asked"/>, counted generously; durable on return. A promise is never shortened.</summary>
    /// <exception cref="DrException">It is no copy of an owner at <paramref name="epoch"/>.</exception>
    public static void Make(Volume volume, Epoch epoch, TimeSpan asked, TimeProvider time)
    {
        lock (LockOf(volume))
        {
            if (volume.Role != VolumeRole.Replica || volume.Epoch != epoch)
            {
                throw new DrException($"'{volume.Name}' is {volume.Role} at epoch {volume.Epoch} here: it promises nothing to an owner at epoch {epoch}.", isTransient: true);
            }

            var kept = (asked * (1 + DriftRho)) + GateTime;
            if (Left(volume, time) < kept)
            {
                Write(volume, new Vow(epoch.Value, (long)kept.TotalMilliseconds, time.GetTimestamp() + (long)(kept.TotalSeconds * time.TimestampFrequency), ThisBoot));
            }
        }
    }

    /// <summary>How long the promise still holds; zero when there is none.</summary>
    /// <exception cref="DrException">The promise cannot be read: then nobody knows how long it holds.</exception>
    public static TimeSpan Left(Volume volume, TimeProvider time)
    {
        var path = Path.Combine(volume.DirectoryPath, FileName);
        if (!File.Exists(path))
        {
            return TimeSpan.Zero;
        }

        Vow vow;
        try
        {
            vow = JsonSerializer.Deserialize<Vow>(File.ReadAllBytes(path), ControlJson.Readable) ?? throw new JsonException("It is empty.");
        }
        catch (JsonException exception)
        {
            throw new DrException($"{path} cannot be read: {exception.Message}", $"It holds what this copy promised to its primary, at most {LongestSeconds:F0} s. Wait that long, remove the file, and repeat.");
        }

        if (vow.Boot != ThisBoot)
        {
            vow = vow with { Boot = ThisBoot, UntilTimestamp = time.GetTimestamp() + (vow.DurationMs * time.TimestampFrequency / 1000) };
            Write(volume, vow);
        }

        var left = time.GetElapsedTime(time.GetTimestamp(), vow.UntilTimestamp);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>Refuses while a promise holds. The higher epoch is remembered all the same, so the primary learns it with the next answer and the promise is not made again.</summary>
    public static void Check(Volume volume, Epoch epoch, TimeProvider time)
    {
        if (volume.Role != VolumeRole.Replica || Left(volume, time) is not { Ticks: > 0 } left)
        {
            return;
        }

        if (epoch > volume.Epoch)
        {
            volume.SeeEpoch(epoch);
        }

        throw new DrException(
            $"The copy of '{volume.Name}' here has promised its primary not to be promoted before {time.GetUtcNow() + left:O}, in {left.TotalSeconds:F1} s: the primary serves by that promise.",
            "Repeat it then. The promise is not made again: this copy knows of the new owner now.",
            isTransient: true);
    }

    private static double LongestSeconds => (Contracts.Wire.LeaseVow.MaxDurationMs / 1000.0 * (1 + DriftRho)) + GateTime.TotalSeconds;

    private static void Write(Volume volume, Vow vow) =>
        DurableFile.Replace(Path.Combine(volume.DirectoryPath, FileName), JsonSerializer.SerializeToUtf8Bytes(vow, ControlJson.Readable), StoreFaults.None);
}
