using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Crash.Child;
using Dr.Crash.Child.Copying;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Groups;
using Microsoft.Extensions.Logging.Abstractions;

// dr-crash-child copy DIR HOST:PORT: an appliance with replication.
if (args is ["copy", var place, var listen])
{
    return await CopyChild.RunAsync(place, listen);
}

// dr-crash-child DIR SEED COUNT: runs steps against a store and says on standard output what it is about to do and what it has done, until it is killed.
var (directory, seed, count) = (args[0], int.Parse(args[1], null), int.Parse(args[2], null));
using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
using var set = VolumeSet.Open(directory, TimeProvider.System, StoreFaults.None, NullLogger.Instance, TimeSpan.Zero);
set.MergeSliceBytes = 64 * 1024; // Layers here are small; this gives them several slices.
var volume = set.Find("v") ?? set.Create("v", Step.VolumeBytes);
var second = set.Find("g") ?? set.Create("g", 16 * 4096);
var replica = set.Find("r") ?? set.CreateReplica(VolumeId.New(), "r", Step.VolumeBytes);
output.WriteLine("open");
for (var number = 0; number < count; number++)
{
    var step = Step.At(seed, number);
    output.WriteLine($"begin {number}");
    var detail = Run(step, number);
    output.WriteLine($"done {number} {detail}");
}

output.WriteLine("end");
return 0;

string Run(Step step, int number)
{
    switch (step.Kind)
    {
        case StepKind.Write or StepKind.WriteThrough:
            volume.Write([new WriteExtent(step.Offset, step.Length, ExtentKind.Data, step.Data())], step.Kind == StepKind.WriteThrough);
            return "";
        case StepKind.Zero:
            volume.Write([new WriteExtent(step.Offset, step.Length, ExtentKind.Zero, default)], forceUnitAccess: false);
            return "";
        case StepKind.Flush:
            volume.Flush();
            return "";
        case StepKind.Point:
            if (volume.Points.Count >= 20)
            {
                DeletePoint(0);
            }

            return volume.CreatePoint(null, PointConsistency.Crash, null).Id.Value;
        case StepKind.DeletePoint when volume.Points.Count > 3:
            DeletePoint(step.Seed % 4 == 0 ? volume.Points.Count / 2 : 0);
            return "";
        case StepKind.Clone when volume.Points.Count > 0:
            if (set.Find("c") is not null)
            {
                set.Delete("c");
            }

            var clone = set.CreateClone(volume, volume.Points[^1].Id, "c");
            clone.Write([new WriteExtent(0, 4096, ExtentKind.Data, step.Data().Concat(new byte[4096]).Take(4096).ToArray())], forceUnitAccess: true);
            return "";
        case StepKind.Restore when volume.Points.Count > 0:
            var target = volume.Points[step.Seed % volume.Points.Count].Id;
            using (var cancel = new CancellationTokenSource())
            {
                try
                {
                    return $"{target} {volume.Restore(target, default, (_, _) => Give(cancel, step), cancel.Token).Id}";
                }
                catch (OperationCanceledException)
                {
                    return $"cancelled {volume.UndoPoint!.Id}";
                }
            }

        case StepKind.Group:
            foreach (var full in (Volume[])[volume, second])
            {
                if (full.Points.Count >= 20 && full == volume)
                {
                    DeletePoint(0);
                }
                else if (full.Points.Count >= 20)
                {
                    full.DeletePoint(full.Points[0].Id);
                }
            }

            second.Write([new WriteExtent(0, 4096, ExtentKind.Data, step.Data().Concat(new byte[4096]).Take(4096).ToArray())], forceUnitAccess: false);
            var points = Volume.CreateGroup([new GroupMember(volume, null), new GroupMember(second, null)], null);
            return $"{points[0].Id} {points[1].Id}";
        case StepKind.Replicate when volume.Points.Count > 0:
            Replicate();
            return "";
        case StepKind.Diverge when replica.Points.Count > 0:
            Follow();
            var common = replica.Appended;
            replica.Promote(replica.Epoch.Next);
            replica.Write([new WriteExtent(step.Offset, step.Length, ExtentKind.Data, step.Data())], forceUnitAccess: true);
            replica.SeeEpoch(replica.Epoch.Next);
            replica.BecomeReplica(replica.Epoch);
            replica.RewindTo(common, $"tail{number}");
            if (step.Seed % 3 == 0 && volume.Points.Count > 0)
            {
                // Everything anew, under the tail's feet.
                Deliver(null, volume.Points[^1]);
            }

            return "";
        default:
            return "";
    }
}

// Every third restore is cancelled.
static void Give(CancellationTokenSource cancel, Step step)
{
    if (step.Seed % 3 == 0)
    {
        cancel.Cancel();
    }
}

// The point at the index, or the next one that the clone does not hold.
void DeletePoint(int index)
{
    var held = set.Find("c")?.Origin?.Sequence;
    if (volume.Points.Skip(index).FirstOrDefault(point => point.Sequence != held) is { } victim)
    {
        volume.DeletePoint(victim.Id);
    }
}

// A delta of the newest point, from the newest point that both have.
void Replicate()
{
    Follow();
    var target = volume.Points[^1];
    var from = replica.Points.Count == 0 ? null : volume.Points.FirstOrDefault(point => point.Id == replica.Points[^1].Id);
    if (from?.Id != target.Id)
    {
        Deliver(from, target);
    }
}

void Deliver(PointInfo? from, PointInfo target)
{
    using var view = volume.OpenView(target.Id);
    using var staging = replica.OpenStaging(from?.Id, target);
    foreach (var range in volume.ChangedBlocks(from?.Id, target.Id))
    {
        var data = new byte[range.Count * 4096];
        view.Read(range.First * 4096, data);
        staging.WriteBlocks(range.First, data);
        staging.Flush(range.First);
    }

    staging.Commit(volume.ContentDigest(target.Id), volume.Generations);
}

// Whatever the replica was in the middle of when it was killed, it goes back to its newest point.
void Follow()
{
    foreach (var tail in set.Volumes.Where(v => v.Name.StartsWith("tail", StringComparison.Ordinal)))
    {
        set.Delete(tail.Name);
    }

    if (replica.Role == VolumeRole.Primary)
    {
        replica.SeeEpoch(replica.Epoch.Next);
    }

    replica.BecomeReplica(replica.Epoch);
    if (replica.Points.Count > 0)
    {
        replica.RewindTo(replica.Points[^1].Sequence, "tail-left");
    }
}
