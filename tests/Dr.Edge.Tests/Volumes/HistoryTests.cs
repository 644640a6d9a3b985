using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Groups;
using Dr.Edge.Volumes.Retention;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes;

/// <summary>Holds, retention on a real volume, group points, restore with its ways back.</summary>
public sealed class HistoryTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly StoreFixture _store;

    public HistoryTests() => _store = new StoreFixture(_time, fineWindow: TimeSpan.FromHours(1));

    public void Dispose() => _store.Dispose();

    [Fact]
    public void A_point_held_by_hand_survives_restarts_and_retention_and_says_why_it_cannot_be_deleted()
    {
        var volume = _store.Set.Create("v", 1 << 20, new VolumePolicy { Keep = RetentionText.ParseTiers("1h:5m", "test") });
        var first = Automatic(volume);
        volume.HoldPoint(first.Id, "audit");
        _store.Reopen();
        volume = _store.Set.Get("v");
        Should.Throw<DrException>(() => volume.DeletePoint(first.Id)).Message.ShouldContain("audit");
        volume.Holders.Single().ShouldBe(new HistoryHolder(first.Sequence, first.Id, "held: audit", _time.GetUtcNow(), IsByHand: true));
        for (var i = 0; i < 30; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(5));
            Automatic(volume);
            volume.ApplyRetention();
        }

        volume.Points[0].ShouldBe(first);
        (volume.Points[^1].At - volume.Points[1].At).ShouldBeLessThanOrEqualTo(TimeSpan.FromHours(1));
        volume.ReleasePoint(first.Id).ShouldBeTrue();
        volume.ReleasePoint(first.Id).ShouldBeFalse();
        volume.ApplyRetention().ShouldBe([first.Id]);
    }

    [Fact]
    public void Automatic_points_give_way_when_255_are_there_and_points_of_people_never_do()
    {
        var volume = _store.Set.Create("v", 1 << 20, new VolumePolicy { Keep = RetentionText.ParseTiers("3650d:1s", "test") });
        for (var i = 0; i < StoreLimits.MaxPoints; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            _ = i % 2 == 0 ? volume.CreatePoint($"p{i}", PointConsistency.Crash, null) : Automatic(volume);
        }

        for (var i = 0; i < 127; i++)
        {
            volume.CreatePoint($"more{i}", PointConsistency.Crash, null);
            volume.Points.Count.ShouldBe(StoreLimits.MaxPoints);
        }

        volume.Points.ShouldAllBe(point => point.Label != null);
        Should.Throw<DrException>(() => volume.CreatePoint("one more", PointConsistency.Crash, null)).Message.ShouldContain("255 were asked for");
    }

    [Fact]
    public void What_an_open_view_or_a_copy_needs_stays()
    {
        var volume = _store.Set.Create("v", 1 << 20, new VolumePolicy { Keep = RetentionText.ParseTiers("10m:5m", "test") });
        var seen = Automatic(volume);
        _time.Advance(TimeSpan.FromMinutes(5));
        var copied = Automatic(volume);
        StoreFixture.Write(volume, 0, [1]);
        using var view = volume.OpenView(seen.Id);
        using var copy = volume.Hold(volume.Appended, "the copy at b has no more yet");
        for (var i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(10));
            Automatic(volume);
            volume.ApplyRetention();
        }

        volume.Points.Take(2).ShouldBe([seen, copied]);
        volume.Holders.Count.ShouldBe(2);
        volume.Holders.ShouldAllBe(holder => holder.Since <= _time.GetUtcNow() && !holder.IsByHand);
    }

    [Fact]
    public void A_policy_lasts_and_its_parts_can_be_given_back()
    {
        var volume = _store.Set.Create("v", 1 << 20);
        volume.SetPolicy(PolicyChange.Apply(volume.OwnPolicy, new() { PointsEvery = "1m", FineWindow = "2h", WhenFull = "history-gives-way" }));
        _store.Reopen();
        volume = _store.Set.Get("v");
        PolicyChange.Describe(volume.OwnPolicy, volume.Policy).Own.ShouldBe(["points-every", "fine-window", "when-full"]);
        volume.Policy.FineWindow.ShouldBe(TimeSpan.FromHours(2));
        volume.SetPolicy(PolicyChange.Apply(volume.OwnPolicy, new() { PointsEvery = "default", FineWindow = "default", WhenFull = "default" }));
        volume.OwnPolicy.ShouldBeNull();
        Should.Throw<DrException>(() => volume.SetPolicy(new VolumePolicy { FineWindow = TimeSpan.FromSeconds(1) }));
    }

    [Fact]
    public void A_group_is_one_instant_of_all_its_volumes_while_they_are_being_written()
    {
        using var store = new StoreFixture(fineWindow: TimeSpan.FromHours(1));
        var volumes = Enumerable.Range(0, 3).Select(i => store.Set.Create($"v{i}", 1 << 20)).ToArray();
        var stop = false;
        var writer = new Thread(() =>
        {
            // Each number goes to the volumes one after the other, each write answered before the next: at any instant they ascend by at most one step.
            for (long number = 1; !Volatile.Read(ref stop); number++)
            {
                foreach (var volume in volumes)
                {
                    StoreFixture.Write(volume, 0, BitConverter.GetBytes(number));
                }
            }
        });
        writer.Start();
        var groups = Enumerable.Range(0, 20).Select(i => Volume.CreateGroup([.. volumes.Reverse().Select(v => new GroupMember(v, null))], $"g{i}").Reverse().ToArray()).ToList();
        Volatile.Write(ref stop, true);
        writer.Join();
        store.Reopen();
        foreach (var points in groups)
        {
            points.Select(p => p.At).Distinct().Count().ShouldBe(1);
            points.Select(p => PointGroup.Of(p)).Distinct().Single()!.VolumeCount.ShouldBe(3);
            var numbers = points.Select((point, i) => Number(store.Set.Get($"v{i}"), point)).ToArray();
            numbers[0].ShouldBeInRange(numbers[1], numbers[1] + 1);
            numbers[1].ShouldBeInRange(numbers[2], numbers[2] + 1);
            numbers[0].ShouldBeLessThanOrEqualTo(numbers[2] + 1);
        }

        groups.Select(points => Number(store.Set.Get("v0"), points[0])).Last().ShouldBeGreaterThan(1, "the writer was not writing");
    }

    [Fact]
    public async Task Groups_of_the_same_volumes_in_any_order_never_wait_for_each_other()
    {
        var volumes = Enumerable.Range(0, 3).Select(i => _store.Set.Create($"v{i}", 1 << 20)).ToArray();
        var clone = _store.Set.CreateClone(volumes[0], volumes[0].CreatePoint("start", PointConsistency.Crash, null).Id, "c");
        Volume[] all = [.. volumes, clone];
        var takers = Enumerable.Range(0, 4).Select(seed => Task.Run(() =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 10; i++)
            {
                var members = all.OrderBy(_ => random.Next()).Take(2 + random.Next(3)).Select(v => new GroupMember(v, null)).ToList();
                Volume.CreateGroup(members, null).Count.ShouldBe(members.Count);
            }
        })).ToArray();
        await Task.WhenAll(takers).WaitAsync(TimeSpan.FromSeconds(60));
    }

    [Fact]
    public async Task A_group_with_a_volume_that_cannot_take_a_point_leaves_none()
    {
        var volume = _store.Set.Create("v", 1 << 20);
        var replica = _store.Set.CreateReplica(Dr.Contracts.Ids.VolumeId.New(), "r", 1 << 20);
        Should.Throw<DrException>(() => Volume.CreateGroup([new GroupMember(volume, null), new GroupMember(replica, null)], null));
        volume.Points.ShouldBeEmpty();
        await _store.Set.Maintenance.DrainAsync();
        Directory.GetFiles(Path.Combine(volume.DirectoryPath, "layers")).Length.ShouldBeLessThanOrEqualTo(2, "the head and the one that is ready for the next");
        Directory.GetFiles(Path.Combine(replica.DirectoryPath, "layers")).Length.ShouldBe(1, "the file made for the next head was left");
    }

    [Fact]
    public void A_cancelled_restore_leaves_the_volume_as_it_was_before()
    {
        var volume = _store.Set.Create("v", 16 << 20);
        var point = volume.CreatePoint("empty", PointConsistency.Crash, null);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(4 << 20, 1));
        StoreFixture.Write(volume, 8 << 20, StoreFixture.Pattern(4 << 20, 2));
        volume.CreatePoint("full", PointConsistency.Crash, null);
        StoreFixture.Zero(volume, 0, 16 << 20);
        var now = StoreFixture.ReadAll(volume);
        var full = volume.Points[^1];
        using var cancel = new CancellationTokenSource();
        Should.Throw<OperationCanceledException>(() => volume.Restore(full.Id, default, (done, total) =>
        {
            volume.Gate.IsOpen.ShouldBeFalse();
            volume.Restoring.ShouldNotBeNull();
            cancel.Cancel();
        }, cancel.Token));
        StoreFixture.ReadAll(volume).ShouldBe(now);
        volume.Gate.IsOpen.ShouldBeTrue();
        volume.Restoring.ShouldBeNull();
        _store.Reopen();
        StoreFixture.ReadAll(_store.Set.Get("v")).ShouldBe(now);
        _store.Set.Get("v").GetPoint(point.Id).ShouldBe(point);
    }

    [Fact]
    public void Undo_goes_back_to_before_the_last_restore_and_again_forth()
    {
        var volume = _store.Set.Create("v", 1 << 20);
        volume.UndoPoint.ShouldBeNull();
        StoreFixture.Write(volume, 0, [1]);
        var point = volume.CreatePoint(null, PointConsistency.Crash, null);
        StoreFixture.Write(volume, 0, [2]);
        volume.Restore(point.Id, default, null, CancellationToken.None);
        First(volume).ShouldBe((byte)1);
        volume.Restore(volume.UndoPoint!.Id, default, null, CancellationToken.None);
        First(volume).ShouldBe((byte)2);
        volume.Restore(volume.UndoPoint!.Id, default, null, CancellationToken.None);
        First(volume).ShouldBe((byte)1);
    }

    [Fact]
    public void Nothing_written_since_the_newest_point_means_that_it_is_as_fresh_as_now()
    {
        var volume = _store.Set.Create("v", 1 << 20);
        volume.HistoryAsOf.ShouldBeNull();
        StoreFixture.Write(volume, 0, [1]);
        var point = Automatic(volume);
        _time.Advance(TimeSpan.FromHours(1));
        volume.HistoryAsOf.ShouldBe(_time.GetUtcNow());
        volume.IsCoveredByPoint.ShouldBeTrue();
        StoreFixture.Write(volume, 0, [2]);
        volume.HistoryAsOf.ShouldBe(point.At);
    }

    private static PointInfo Automatic(Volume volume) => volume.CreatePoint(null, PointConsistency.Crash, PointKinds.AutomaticReason);

    private static byte First(Volume volume)
    {
        var data = new byte[1];
        volume.Read(0, data);
        return data[0];
    }

    private static long Number(Volume volume, PointInfo point)
    {
        using var view = volume.OpenView(point.Id);
        var data = new byte[8];
        view.Read(0, data);
        return BitConverter.ToInt64(data);
    }
}
