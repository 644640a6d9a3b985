using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Hosting;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Line.Bandwidth;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Replication.Line;

/// <summary>Bandwidth classes: the book on its disk, lines on a clock, and copies of real stores in them.</summary>
public sealed class BandwidthTests : TwoNodeTest
{
    private const string Config = """
        replication:
          bandwidth:
            - { name: internet, mbps: 15 }
            - { name: dilas, mbps: 5, shared: false }
        """;

    [Fact]
    public void Classes_of_the_configuration_are_changed_by_commands_and_come_back()
    {
        var directory = Directory.CreateDirectory(Path.Combine(Production.Directory, "book")).FullName;
        var config = EdgeConfigFile.Parse(Config, "edge.yaml").Replication.Bandwidth;
        using (var book = new BandwidthBook(directory, config, TimeProvider.System))
        {
            book.Get("dilas").ShouldBe(new BandwidthClass { Name = "dilas", Mbps = 5, Shared = false });
            book.Set(book.Require("internet") with { Mbps = 0.064 });
            book.Set(new BandwidthClass { Name = "night" });
            Should.Throw<DrException>(() => book.Set(book.Require("internet") with { Mbps = 0.063 })).Message.ShouldContain("0.063 Mbit/s");
            Should.Throw<DrException>(() => book.Set(new BandwidthClass { Name = "a b" }));
            Should.Throw<DrException>(() => book.Require("gone")).Hint!.ShouldContain("bandwidth set");
        }

        using (var again = new BandwidthBook(directory, config, TimeProvider.System))
        {
            again.List().Select(c => (c.Class.Name, c.Class.Mbps, c.IsSet)).ShouldBe([("dilas", 5, false), ("internet", 0.064, true), ("night", null, true)]);
            again.Reset("internet").ShouldBeTrue();
            again.Reset("internet").ShouldBeFalse();
            again.Get("internet")!.Mbps.ShouldBe(15);
        }

        var file = Path.Combine(directory, BandwidthBook.FileName);
        File.WriteAllText(file, "[ { \"name\": ");
        Should.Throw<DrException>(() => new BandwidthBook(directory, config, TimeProvider.System)).Message.ShouldContain(file);
        File.ReadAllText(file).ShouldBe("[ { \"name\": ", "a damaged file stays as it is");
    }

    [Fact]
    public async Task A_line_shares_its_rate_lets_nobody_queue_for_nothing_and_follows_a_change_at_once()
    {
        var clock = new FakeTimeProvider();
        using var line = new BandwidthLine(8_000, clock); // 64 kbit/s
        var (one, two) = (new FairFlow(), new FairFlow());
        using var giveUp = new CancellationTokenSource();
        var first = line.TakeAsync(one, 20_000, default).AsTask();
        var second = line.TakeAsync(two, 20_000, giveUp.Token).AsTask();
        line.Waiting.ShouldBe(2);
        await giveUp.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => second);
        for (var passed = 0; passed < 14; passed++)
        {
            first.IsCompleted.ShouldBeFalse($"20 000 bytes were granted after {passed / 10.0} s");
            clock.Advance(TimeSpan.FromSeconds(0.1));
        }

        clock.Advance(TimeSpan.FromSeconds(0.1));

        await first.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);

        line.GrantedBytes.ShouldBe(20_000, "what was withdrawn does not count");

        var third = line.TakeAsync(two, 10_000_000, default).AsTask();
        third.IsCompleted.ShouldBeFalse();
        line.SetRate(null);
        await third.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        line.GrantedBytes.ShouldBe(10_020_000);
    }

    [Fact]
    public async Task Two_volumes_share_a_class_a_third_goes_first_and_a_change_acts_while_they_run()
    {
        var book = Production.Copies.Bandwidth;
        book.Set(new BandwidthClass { Name = "internet", Mbps = 2 });
        var volumes = Enumerable.Range(0, 3).Select(i => Filled($"v{i}", i)).ToArray();
        foreach (var volume in volumes[..2])
        {
            await AddAsync(volume, "internet");
        }

        await Node.Until(() => volumes[..2].All(v => Sent(v) > 100_000), "both to have sent something", () => string.Join(", ", volumes[..2].Select(Sent)));
        Math.Abs(Sent(volumes[0]) - Sent(volumes[1])).ShouldBeLessThan(400_000, "they take turns");
        Copy(volumes[0]).ToStatus().BandwidthClass.ShouldBe("internet");

        // What the control plane orders overtakes.
        await AddAsync(volumes[2], "internet");
        var before = volumes[..2].Sum(Sent);
        var ordered = Production.Copies.SyncAsync(volumes[2], null, first: true, TestContext.Current.CancellationToken);
        await Node.Until(() => Sent(volumes[2]) > 400_000, "the one that goes first");
        (volumes[..2].Sum(Sent) - before).ShouldBeLessThan(Sent(volumes[2]), "the others hardly move meanwhile");
        Copy(volumes[2]).Pace.IsFirst.ShouldBeTrue();

        Should.Throw<DrException>(() => Production.Copies.ResetBandwidth("internet")).Message.ShouldContain("is in the bandwidth class 'internet'");
        book.Set(book.Require("internet") with { Mbps = null });
        await ordered.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Copy(volumes[2]).Pace.IsFirst.ShouldBeFalse("the order is done");
        foreach (var volume in volumes)
        {
            await SyncAsync(volume);
            Backup.Set.Get(volume.Name).ShouldHoldTheSameAs(volume);
        }
    }

    [Fact]
    public async Task The_way_home_goes_first_until_the_copy_is_current()
    {
        Production.Copies.Bandwidth.Set(new BandwidthClass { Name = "internet", Mbps = 4 });
        var volume = Filled("dilas", 1);
        volume.Promote(new Epoch(2));
        await AddAsync(volume, "internet");
        Copy(volume).Pace.IsFirst.ShouldBeFalse("a new copy is one among others");
        volume.SeeEpoch(new Epoch(3));
        volume.Promote(new Epoch(3));
        Copy(volume).Pace.IsFirst.ShouldBeTrue("this side has become the owner");

        Production.Copies.Bandwidth.Set(new BandwidthClass { Name = "internet" });
        await SyncAsync(volume);
        await Node.Until(() => !Copy(volume).Pace.IsFirst, "the copy to be one among others again");
        (await Should.ThrowAsync<DrException>(() => AddAsync(volume, "nowhere"))).Message.ShouldBe("There is no bandwidth class 'nowhere'.");
        CopyFile.Read(volume.DirectoryPath).Single().BandwidthClass.ShouldBe("internet");
    }

    private Volume Filled(string name, int seed)
    {
        var volume = Production.Set.Create(name, 4 << 20);
        var data = new byte[3 << 20];
        new Random(seed).NextBytes(data);
        volume.WriteAt(0, data);
        return volume;
    }

    private Task AddAsync(Volume volume, string name) =>
        Production.Copies.AddAsync(volume, Backup.Address, s => s with { Mode = CopyMode.Stream, BandwidthClass = name }, default);

    private SourceCopy Copy(Volume volume) => Production.Copies.Of(volume).Single();

    private long Sent(Volume volume) => Copy(volume).ToStatus().WireBytes;
}
