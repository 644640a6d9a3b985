using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Host;

public sealed class ServingWatchTests
{
    private static readonly SystemConfig System = new() { Id = "dilas", Lease = true };
    private readonly FakeTimeProvider _time = new();
    private readonly ServingWatch _watch;
    private readonly long _start;

    public ServingWatchTests()
    {
        _watch = new ServingWatch(_time);
        _start = _time.GetTimestamp();
    }

    [Fact]
    public void A_lease_counts_from_when_it_was_asked_for()
    {
        var asked = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(4));
        _watch.OnLease(Granted(), asked);
        Objection().ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(1.9));
        Objection().ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Objection()!.ShouldContain("lapsed");
    }

    [Fact]
    public void An_answer_that_comes_late_does_not_replace_a_newer_one()
    {
        var first = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(2));
        _watch.OnLease(Granted(), _time.GetTimestamp());
        _watch.OnLease(Granted(), first);
        _time.Advance(TimeSpan.FromSeconds(5));
        Objection().ShouldBeNull();
    }

    [Fact]
    public void A_refusal_ends_serving_but_an_older_one_says_nothing_about_a_later_start()
    {
        _watch.OnLease(Granted() with { Granted = false }, _time.GetTimestamp());
        Objection()!.ShouldContain("refused");
        _time.Advance(TimeSpan.FromSeconds(1));
        _watch.Objection(System, Epoch.First, Epoch.First, _time.GetTimestamp()).ShouldBeNull();
    }

    [Fact]
    public void Without_any_lease_a_system_runs_for_the_first_moments_only()
    {
        _time.Advance(ServingWatch.FirstLease - TimeSpan.FromSeconds(1));
        Objection().ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(1));
        Objection()!.ShouldContain("no serving lease");
    }

    [Fact]
    public void A_higher_epoch_ends_serving_with_or_without_leases()
    {
        _watch.OnLease(Granted(), _time.GetTimestamp());
        _watch.Objection(System, Epoch.First, new Epoch(2), _start)!.ShouldContain("epoch 2 was seen");
        _watch.Objection(new SystemConfig { Id = "other" }, Epoch.First, new Epoch(2), _start)!.ShouldContain("epoch 2 was seen");
        _watch.Objection(new SystemConfig { Id = "other" }, Epoch.First, Epoch.First, _start).ShouldBeNull();
    }

    private string? Objection() => _watch.Objection(System, Epoch.First, Epoch.First, _start);

    private static LeaseGrant Granted() => new() { System = new SystemId("dilas"), Epoch = Epoch.First, Granted = true, Ttl = TimeSpan.FromSeconds(6) };
}
