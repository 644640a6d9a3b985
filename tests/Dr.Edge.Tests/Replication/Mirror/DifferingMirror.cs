using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Crash.Child.Copying;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Retention;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Replication.Mirror;

/// <summary>A mirror that is whole by every record, and whose last write is not its owner's.</summary>
/// <param name="Held">What the copy holds.</param>
/// <param name="At">Where.</param>
internal sealed record DifferingMirror(byte[] Held, SequenceNumber At)
{
    public const string Name = "v";

    /// <summary>Made with both appliances, which are closed at the return.</summary>
    /// <param name="isPointBelow">Both hold a point below the write that differs.</param>
    public static async Task<DifferingMirror> MakeAsync(Node production, Node backup, LossPolicy onLoss, TimeSpan degradeAfter, bool isPointBelow)
    {
        var random = new Random(7);
        var owner = production.Set.Create(Name, CopyLoad.VolumeBytes);
        var data = new byte[1 << 20];
        random.NextBytes(data);
        owner.WriteAt(0, data);
        if (isPointBelow)
        {
            owner.Point("below");
        }

        var copy = await production.Copies.AddAsync(owner, backup.Address, s => s with { Mode = CopyMode.Sync, OnLoss = onLoss, DegradeAfter = degradeAfter }, default);
        await Node.Until(
            () => backup.Set.Find(Name) is { } made && MirrorBelief.Of(made) is { State: MirrorState.Whole } && copy.ToStatus().Mirror == MirrorState.Whole,
            "the mirror to be whole",
            () => $"{copy.ToStatus()} {copy.Mirror.Model}");
        await production.CloseAsync();
        await backup.CloseAsync();
        using var ours = Open(production.Directory);
        using var theirs = Open(backup.Directory);
        var (source, differing) = (ours.Get(Name), theirs.Get(Name));
        foreach (var point in isPointBelow ? [] : source.Points.ToArray())
        {
            source.DeletePoint(point.Id);
            differing.DeletePoint(point.Id);
        }

        source.WriteAt(1 << 20, Enumerable.Repeat((byte)7, 4096).ToArray());
        ForeignBatch.AppendTo(differing, source);
        differing.RequireFlushed();
        differing.Appended.ShouldBe(source.Appended);
        return new DifferingMirror(differing.Content(), differing.Appended);
    }

    /// <summary>Only the store, as its process would find it: nothing connects.</summary>
    public static VolumeSet Open(string directory) =>
        VolumeSet.Open(directory, TimeProvider.System, StoreFaults.None, NullLogger.Instance, EffectivePolicy.BuiltIn, isPaced: false, awaitsHolds: true);
}
