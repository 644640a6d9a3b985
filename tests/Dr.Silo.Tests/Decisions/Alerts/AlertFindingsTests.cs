using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Alerts;

namespace Dr.Silo.Tests.Decisions.Alerts;

public sealed class AlertFindingsTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly SiteId Home = new("production");
    private static readonly SiteId Peer = new("backup");

    [Theory]
    [InlineData(NetworkPlace.Here, NetworkPlace.Away, null)]
    [InlineData(NetworkPlace.Unknown, NetworkPlace.Unknown, null)]
    [InlineData(NetworkPlace.Away, NetworkPlace.Away, "prod-1 reads back that its network does not lead there.")]
    [InlineData(NetworkPlace.Partly, NetworkPlace.Away, "with all its parts")]
    [InlineData(NetworkPlace.Here, NetworkPlace.Here, "still leads to backup")]
    [InlineData(NetworkPlace.Here, NetworkPlace.Partly, "still leads to backup")]
    public void A_gateway_that_does_not_lead_to_where_the_system_is_is_wrong(NetworkPlace home, NetworkPlace away, string? expected)
    {
        var found = AlertFindings.StaleWriters([System()], [Host("prod-1", Home, home), Host("back-1", Peer, away)], Now);
        (expected is null ? found.Count == 0 : found[new SystemId("s1")].Text.Contains(expected, StringComparison.Ordinal)).ShouldBeTrue($"{expected}: {string.Join(' ', found.Values)}");
    }

    [Fact]
    public void A_gateway_is_not_wrong_while_it_may_still_be_on_its_way_or_nobody_hears_of_it()
    {
        DeviceView[] wrong = [Host("prod-1", Home, NetworkPlace.Away), Host("back-1", Peer, NetworkPlace.Here)];
        AlertFindings.StaleWriters([System() with { PhaseSince = Now - AlertFindings.GatewaySettles + TimeSpan.FromSeconds(1) }], wrong, Now).ShouldBeEmpty();
        AlertFindings.StaleWriters([System() with { LiveRun = Run(), Phase = "Repointing" }], wrong, Now).ShouldBeEmpty();
        AlertFindings.StaleWriters([System() with { LiveRun = Run(), Phase = "OnTrial" }], wrong, Now).ShouldNotBeEmpty();
        AlertFindings.StaleWriters([System()], [wrong[0] with { Presence = Presence.Silent }], Now).ShouldBeEmpty();
        AlertFindings.StaleWriters([System()], [Host("prod-1", Home, NetworkPlace.Away, HealthState.Stopped)], Now).ShouldBeEmpty("what does not run needs no gateway");
    }

    [Fact]
    public void A_writer_of_a_lower_epoch_is_found()
    {
        var found = AlertFindings.StaleWriters([System() with { Epoch = new Epoch(2) }], [Appliance(Volume())], Now);
        found[new SystemId("s1")].Text.ShouldContain("takes writes of s1 at epoch 1");
        AlertFindings.StaleWriters([System()], [Appliance(Volume())], Now).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(40, 40, 30, 1.0)]
    [InlineData(40, 15, 30, 0.5)]
    [InlineData(3, 3, 30, 1.0)]
    [InlineData(4, 1, 30, 0.25)]
    public void History_is_measured_against_what_is_wanted_and_never_against_the_time_before_the_volume(int ageDays, int historyDays, int wantedDays, double expected)
    {
        var volume = Volume() with { CreatedAt = Now.AddDays(-ageDays), HistoryBegins = Now.AddDays(-historyDays), HistorySeconds = TimeSpan.FromDays(wantedDays).TotalSeconds };
        AlertFindings.HistoryKept([System()], [Appliance(volume)], Now)[new SystemId("s1")].ShouldBe(expected, 0.001);
        AlertFindings.HistoryKept([System()], [Appliance(volume with { HistorySeconds = null })], Now).ShouldBeEmpty("nothing is wanted");
        AlertFindings.HistoryKept([System()], [Appliance(volume with { Role = VolumeRole.Replica })], Now).ShouldBeEmpty("only the owner's counts");
    }

    [Fact]
    public void A_site_without_room_for_what_the_other_carries_is_short()
    {
        SystemSettings[] settings = [Settings("s1", 2, 1), Settings("s2", 2, 2), Settings("s3", 2, 3) with { Home = Peer, HomeSite = Site(Peer, "back-1"), PeerSite = Site(Home, "prod-1") }];
        SystemView[] views = [System("s1"), System("s2"), System("s3") with { Site = Peer, Home = Peer, Peer = Home }];
        AlertFindings.CapacityShort(settings, views, new Dictionary<SiteId, double> { [Peer] = 6 }).ShouldBeEmpty();
        var found = AlertFindings.CapacityShort(settings, views, new Dictionary<SiteId, double> { [Peer] = 4 });
        found.ShouldHaveSingleItem().Key.ShouldBe(new SystemId("s2"), "what serves there takes its room, and the more important goes first");
        found[new SystemId("s2")].ShouldStartWith("backup has no room for s2 if production is lost");
        AlertFindings.CapacityShort(settings, views, new Dictionary<SiteId, double>()).ShouldBeEmpty("without a limit everything fits");
    }

    [Fact]
    public void A_line_or_a_pace_that_leaves_no_deadline_to_keep_is_found()
    {
        var host = Host("prod-1", Home, NetworkPlace.Unknown) with { Class = "critical-system", HourClass = HourClass.Busy, PeriodMs = 2_000 };
        AlertFindings.BoundNotMet([host]).ShouldBeEmpty();
        AlertFindings.BoundNotMet([host with { PeriodMs = 4_000 }]).ShouldBeEmpty("10 s where 8 are promised is within what load may stretch");
        AlertFindings.BoundNotMet([host with { PeriodMs = 5_000 }]).ShouldHaveSingleItem().Value.ShouldContain("noticed after up to 11 s");
        AlertFindings.BoundNotMet([host with { DaysBetweenMistakes = 0.5, LossRate = 0.4 }]).ShouldHaveSingleItem().Value.ShouldContain("every 12 h");
        AlertFindings.BoundNotMet([host with { DaysBetweenMistakes = 0.5, Presence = Presence.Silent }]).ShouldBeEmpty();
    }

    private static SystemView System(string id = "s1") => new()
    {
        Id = new SystemId(id), Name = id, Class = TakeoverClass.T, Phase = "Protected", PhaseSince = Now.AddHours(-1), Epoch = new Epoch(1), Site = Home, Home = Home, Peer = Peer, Volume = id, Conditions = [],
    };

    private static SystemSettings Settings(string id, double load, int priority) => new()
    {
        Id = new SystemId(id), Name = id, Class = TakeoverClass.R, Home = Home, HomeSite = Site(Home, "prod-1"), PeerSite = Site(Peer, "back-1"), Load = load, Priority = priority,
    };

    private static SystemSite Site(SiteId site, string host) => new() { Site = site, Host = new DeviceId(host) };

    private static RunView Run() => new()
    {
        Id = new RunId("r"), System = new SystemId("s1"), Kind = RunKind.Failover, State = RunState.Running, From = Home, To = Peer, Epoch = new Epoch(1), Actor = "a", Reason = "r", StartedAt = Now, Steps = [],
    };

    private static DeviceView Device(string id, SiteId site) => new() { Id = new DeviceId(id), Site = site, Roles = ["host"], Presence = Presence.Alive, Since = Now.AddHours(-1), Class = "host" };

    private static DeviceView Host(string id, SiteId site, NetworkPlace network, HealthState state = HealthState.Running) =>
        Device(id, site) with { Systems = [new SystemHealth { System = new SystemId("s1"), State = state, Network = network }] };

    private static DeviceView Appliance(VolumeStatus volume) => Device("prod-1", Home) with { Volumes = [volume] };

    private static VolumeStatus Volume() => new()
    {
        Volume = default, Name = "s1", SizeBytes = 1, Role = VolumeRole.Primary, Epoch = new Epoch(1), Generation = default, Appended = default, Durable = default, Writable = true,
    };
}
