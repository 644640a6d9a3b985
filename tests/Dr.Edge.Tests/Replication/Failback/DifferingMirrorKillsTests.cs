using Dr.Contracts.Mqtt;
using Dr.Crash.Child.Copying;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Tests.Replication.Mirror;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>
/// A synchronous copy whose last write is not its owner's, and either process dies at a named point between the refusal and the proof: nobody takes the copy for whole meanwhile, what it held is kept, and in the end
/// both hold the same. The default run takes two places; <c>DR_FAILBACK_ALL=1</c> takes every one, with a common point below and without (<c>DR_FAILBACK_PART=1/4</c>: the second quarter).
/// </summary>
public sealed class DifferingMirrorKillsTests(ITestOutputHelper output)
{
    private static readonly (string Side, string Point, int Passage, bool IsPointBelow)[] Sample = [("backup", CopyPoints.DifferenceMarked, 1, true), ("production", CopyPoints.RewindSent, 1, true)];

    private static readonly string[] OfTheStore =
    [
        CrashPoints.FlushSynced, CrashPoints.PointLayerCreated, CrashPoints.PointHeadSwapped, CrashPoints.PointRecorded, CrashPoints.ManifestWritten, CrashPoints.CloneCreated, CrashPoints.CloneNamed,
        CrashPoints.StagingSynced, CrashPoints.StagingCommitted, CrashPoints.RewindCloned, CrashPoints.RewindRecorded,
    ];

    [Fact]
    public async Task Nobody_takes_it_for_whole_and_nothing_of_it_is_lost_whoever_dies_between_the_refusal_and_the_proof()
    {
        var all = Environment.GetEnvironmentVariable("DR_FAILBACK_ALL") is not null;
        var (index, of) = Environment.GetEnvironmentVariable("DR_FAILBACK_PART")?.Split('/') is [var i, var n] ? (int.Parse(i, null), int.Parse(n, null)) : (0, 1);
        var everything =
            from below in new[] { true, false }
            from side in new[] { "production", "backup" }
            from point in CopyPoints.All.Concat(CopyPoints.OfDifferences).Concat(OfTheStore)
            from passage in new[] { 1, 2 }
            select (side, point, passage, below);
        var reached = new SortedSet<string>();
        foreach (var (side, point, passage, below) in all ? everything.Where((_, k) => k % of == index) : Sample)
        {
            try
            {
                if (await RunAsync(side, point, passage, below))
                {
                    reached.Add($"{side}:{point}");
                }
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"{side} killed at {point}:{passage}, {(below ? "a" : "no")} common point below", exception);
            }
        }

        output.WriteLine($"died at: {string.Join(' ', reached)}");
        if (!all)
        {
            reached.Count.ShouldBe(Sample.Length, "places where nothing died");
        }
    }

    private static async Task<bool> RunAsync(string side, string point, int passage, bool isPointBelow)
    {
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup");
        var made = await DifferingMirror.MakeAsync(production, backup, LossPolicy.Stall, TimeSpan.FromSeconds(5), isPointBelow);
        bool died;
        await using (var from = new ProcessSite(production))
        await using (var to = new ProcessSite(backup))
        {
            var victim = side == "production" ? from : to;
            (victim.CrashAt, victim.StaysDown) = ($"{point}:{passage}", true);
            await to.MustAsync("show");
            await from.MustAsync("load 1");

            // By stall the first write is answered when the copy is equal again.
            await Node.Until(() => victim.Deaths > 0 || from.Answered.Number >= 5, "a death, or the end of the way", () => $"answered {from.Answered}");
            died = victim.Deaths > 0;
            if (victim.IsDown)
            {
                if (victim == to)
                {
                    CheckCopy(backup, made, isKnown: point is CopyPoints.Doubted or CopyPoints.DifferenceMarked);
                }
                else if (CheckOwner(production, isKnown: point is CopyPoints.Believed or CopyPoints.RewindSent) && !HoldsLoad(await to.MustAsync("show")))
                {
                    (await to.MustAsync("belief")).ShouldNotStartWith("whole");
                }
            }

            victim.StaysDown = false;
            if (!died)
            {
                await victim.KillAsync(); // The place lies behind the end of the way: it is not to die there later, with the load that the next order starts.
            }

            await victim.MustAsync("show");
            var answered = from.Answered.Number;
            await from.MustAsync("load 1");
            await Node.Until(() => from.Answered.Number >= answered + 5, "writes to be answered again");
            await from.MustAsync("stop");
            await from.UntilAsync("sync 20", a => a == "ok", "the copy to have everything");
            await to.UntilAsync("belief", a => a == "whole", "the copy to know that it is whole", state: () => from.RunAsync("show"));
        }

        using var ours = DifferingMirror.Open(production.Directory);
        using var theirs = DifferingMirror.Open(backup.Directory);
        theirs.Get(DifferingMirror.Name).ShouldHoldTheSameAs(ours.Get(DifferingMirror.Name));
        IsKept(theirs, made).ShouldBeTrue("what the copy held is kept");
        var settings = CopyFile.Read(ours.Get(DifferingMirror.Name).DirectoryPath).Single();
        (settings.RecordedMirror, settings.MirrorLacks, settings.DiffersAt).ShouldBe((MirrorState.Whole, false, null));
        return died;
    }

    private static void CheckCopy(Node backup, DifferingMirror made, bool isKnown)
    {
        using var set = DifferingMirror.Open(backup.Directory);
        var copy = set.Get(DifferingMirror.Name);
        IsKept(set, made).ShouldBeTrue("what the copy held is there at every moment");
        if (isKnown || set.Volumes.Count > 1 || copy.Points.Any(PointKinds.IsOfDifference))
        {
            var block = new byte[4096];
            copy.Read(0, block);
            if (CopyLoad.PositionOf(block).Seed != 1)
            {
                (MirrorBelief.Of(copy)?.State).ShouldNotBe(MirrorState.Whole, "it was found to differ, and nothing is proven yet");
            }
        }
    }

    // A restart says what the file says. True when it knows that the copy differs.
    private static bool CheckOwner(Node production, bool isKnown)
    {
        using var set = DifferingMirror.Open(production.Directory);
        var settings = CopyFile.Read(set.Get(DifferingMirror.Name).DirectoryPath).Single();
        var knows = settings.DiffersAt is not null || settings.MirrorLacks;
        if (isKnown)
        {
            knows.ShouldBeTrue("it is known to differ");
        }

        if (knows)
        {
            (settings.RecordedMirror == MirrorState.Whole && settings.DiffersAt is null).ShouldBeFalse("nobody is told that it is whole");
            (settings.RecordedMirror == MirrorState.Whole || settings.MirrorLacks).ShouldBeTrue("by stall writes wait after a restart too");
        }

        return knows;
    }

    // As the volume is, as a clone of the tail, or at the point that was made of it.
    private static bool IsKept(VolumeSet set, DifferingMirror made) =>
        set.Volumes.Any(v => v.Content().AsSpan().SequenceEqual(made.Held)) || set.Get(DifferingMirror.Name).Points.Where(PointKinds.IsOfDifference).Any(p => Holds(set, p, made));

    private static bool Holds(VolumeSet set, PointInfo point, DifferingMirror made)
    {
        using var view = set.Get(DifferingMirror.Name).OpenView(point.Id);
        return view.Content().AsSpan().SequenceEqual(made.Held);
    }

    private static bool HoldsLoad(string shown) => shown.Split(' ') is [_, _, "1", ..];
}
