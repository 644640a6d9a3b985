using System.Globalization;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Policy;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Tests.Replication;

/// <summary>The control plane's orders about policies and backups, on two real appliances.</summary>
public sealed class PolicyOrdersTests : TwoNodeTest
{
    private readonly Random _random = new(4);
    private Volume _volume = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        _volume = Production.Set.Create("dilas", 4 << 20);
        _volume.WriteRandom(_random, 10);
        await Production.Copies.AddAsync(_volume, Backup.Address, CopyMode.Stream, null, default);
        await SyncAsync(_volume);
    }

    [Fact]
    public async Task A_policy_sets_retention_points_and_the_copys_bandwidth_class_and_keeps_them_over_a_restart()
    {
        var order = Policy() with
        {
            PointsEvery = TimeSpan.FromMinutes(10),
            Retention = new RetentionRules { Keep = RetentionText.ParseTiers("24h:10m,7d:1h", "keep"), FineWindow = TimeSpan.FromHours(6), HistoryGivesWay = true },
            Bandwidth = new BandwidthClass("internet", 5, false),
            Peer = Backup.Address,
        };
        var done = await OrderAsync(Production, order);
        done.Outcome.ShouldBe(CommandOutcome.Done);
        done.Evidence["policy"].ShouldBe("points every 10m, keep 1d:10m,7d:1h, keep manual forever, fine window 6h, when full history-gives-way");
        Production.Copies.Of(_volume)[0].ToStatus().BandwidthClass.ShouldBe("internet-5");
        using var reports = new VolumeReports(Production.Set, Production.Copies, null);
        var status = reports.StatusOf(_volume);
        status.Policy.ShouldBe(done.Evidence["policy"], "every beat says it in the same words, or the control plane takes it for a change by hand");
        (status.HistorySeconds, status.CreatedAt, status.HistoryBegins).ShouldBe((TimeSpan.FromDays(7).TotalSeconds, _volume.CreatedAt, _volume.HistoryBegins));
        Production.Copies.Bandwidth.Get("internet-5")!.Mbps.ShouldBe(5);

        await Production.RestartAsync();
        var again = Production.Set.Get("dilas");
        (again.Policy.PointsEvery, again.Policy.FineWindow, again.Policy.WhenFull).ShouldBe((TimeSpan.FromMinutes(10), TimeSpan.FromHours(6), FullPolicy.HistoryGivesWay));
        Production.Copies.Of(again)[0].Settings.BandwidthClass.ShouldBe("internet-5");

        // What an order does not say stays.
        (await OrderAsync(Production, Policy() with { PointsEvery = TimeSpan.Zero })).Outcome.ShouldBe(CommandOutcome.Done);
        (again.Policy.PointsEvery, again.Policy.FineWindow).ShouldBe((TimeSpan.Zero, TimeSpan.FromHours(6)));
    }

    [Fact]
    public async Task A_policy_that_cannot_be_followed_is_refused_and_changes_nothing()
    {
        await Should.ThrowAsync<Contracts.Errors.DrException>(() => OrderAsync(Production, Policy() with { Retention = new RetentionRules { FineWindow = TimeSpan.FromSeconds(1) } }));
        _volume.OwnPolicy.ShouldBeNull();
    }

    [Fact]
    public async Task A_scheduled_point_is_an_automatic_one_and_says_what_has_changed_since_its_base()
    {
        var first = await OrderAsync(Production, Point("full", null));
        _volume.WriteAt(0, new byte[8192]);
        _volume.WriteAt(1 << 20, new byte[100]);
        var second = await OrderAsync(Production, Point("incremental", PointId.Create(first.Evidence["point"])));

        second.Evidence["changedBytes"].ShouldBe((3 * 4096).ToString(CultureInfo.InvariantCulture));
        second.Evidence["base"].ShouldBe(first.Evidence["point"]);
        second.Evidence["reason"].ShouldStartWith("automatic: incremental");
        PointKinds.IsAutomatic(_volume.Points[^1]).ShouldBeTrue("retention thins it");
    }

    /// <summary>The point is durable where the process ends before the note of the result (<c>point.recorded</c> in <see cref="Volumes.CrashTests"/>); then the order comes again.</summary>
    [Fact]
    public async Task A_point_whose_result_was_lost_is_found_and_not_taken_again()
    {
        foreach (var order in new[] { Point("full", null), Point("full", null) with { Purpose = null, Label = "before the upgrade", Quiesce = true } })
        {
            var first = await OrderAsync(Production, order);
            var (points, told) = (Production.Set.Get("dilas").Points.Count, Told(first));
            first.Evidence.Values.ShouldAllBe(v => !v.Contains(order.Id.Value, StringComparison.Ordinal), "who asked knows its own command");

            await Production.RestartAsync();
            Production.Set.Get("dilas").WriteRandom(_random, 1);
            Told(await OrderAsync(Production, order)).ShouldBe(told);
            Told(Executor(Production).FindDone(order)!).ShouldBe(told, "also when its deadline has passed");
            Production.Set.Get("dilas").Points.Count.ShouldBe(points);

            Executor(Production).FindDone(order with { Id = new CommandId(order.Id.Value[..^1]) }).ShouldBeNull("a command whose id only begins alike is another one");
            (await OrderAsync(Production, order with { Id = Id() })).Evidence["point"].ShouldNotBe(first.Evidence["point"]);
        }

        static string Told(CommandResult result) => $"{result.Outcome} {result.Detail} {string.Join(", ", result.Evidence.Select(e => $"{e.Key}={e.Value}"))}";
    }

    [Fact]
    public async Task A_full_image_has_the_same_digest_at_both_ends_and_is_held_and_let_go()
    {
        var taken = await OrderAsync(Production, Point("full", null));
        var point = PointId.Create(taken.Evidence["point"]);
        await OrderAsync(Production, new SyncCopy { Id = Id(), IssuedAt = Now, Deadline = Now.AddMinutes(1), Epoch = Epoch.First, Volume = "dilas", Peer = Backup.Address });
        await Node.Until(() => Backup.Set.Get("dilas").Points.Any(p => p.Id == point), "the point to be at the other end");

        var (here, there) = (await OrderAsync(Production, Digest(point)), await OrderAsync(Backup, Digest(point)));
        there.Evidence["digest"].ShouldBe(here.Evidence["digest"]);
        foreach (var node in new[] { Production, Backup })
        {
            (await OrderAsync(node, Hold(point, "the last full image"))).Outcome.ShouldBe(CommandOutcome.Done);
            (await OrderAsync(node, Hold(point, "the last full image"))).Outcome.ShouldBe(CommandOutcome.Done);
            node.Set.Get("dilas").State.PointHolds.ShouldHaveSingleItem().Point.ShouldBe(point);
            (await OrderAsync(node, Hold(point, null))).Outcome.ShouldBe(CommandOutcome.Done);
            (await OrderAsync(node, Hold(point, null))).Outcome.ShouldBe(CommandOutcome.Done, "letting go twice is done, too");
            node.Set.Get("dilas").State.PointHolds.ShouldBeEmpty();
        }

        (await OrderAsync(Production, Hold(new PointId(1), "no such point"))).Outcome.ShouldBe(CommandOutcome.Refused);
    }

    private static DateTimeOffset Now => DateTimeOffset.UtcNow;

    private static CommandId Id() => new($"c{Guid.NewGuid():N}");

    private static ApplyVolumePolicy Policy() => new() { Id = Id(), IssuedAt = Now, Deadline = Now.AddMinutes(1), Epoch = Epoch.First, Volume = "dilas" };

    private static TakePoint Point(string purpose, PointId? since) => new() { Id = Id(), IssuedAt = Now, Deadline = Now.AddMinutes(1), Epoch = Epoch.First, Volume = "dilas", Purpose = purpose, Base = since };

    private static DigestVolume Digest(PointId point) => new() { Id = Id(), IssuedAt = Now, Deadline = Now.AddMinutes(1), Epoch = Epoch.First, Volume = "dilas", Point = point };

    private static HoldPoint Hold(PointId point, string? reason) => new() { Id = Id(), IssuedAt = Now, Deadline = Now.AddMinutes(1), Epoch = Epoch.First, Volume = "dilas", Point = point, Reason = reason };

    private static ApplianceCommandExecutor Executor(Node node) => new(node.Set, node.Copies, TimeProvider.System, quiesce: null);

    private static Task<CommandResult> OrderAsync(Node node, DeviceCommand command) => Executor(node).ExecuteAsync(command, _ => { }, CancellationToken.None);
}
