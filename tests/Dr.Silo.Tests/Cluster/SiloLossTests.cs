using System.Net;
using Dr.Silo.Decisions.Cluster;
using Orleans.Runtime;

namespace Dr.Silo.Tests.Cluster;

public sealed class SiloLossTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;

    [Fact]
    public void One_that_the_others_declared_dead_is_missed() =>
        SiloLoss.Of([Entry(1, SiloStatus.Active), Entry(2, SiloStatus.Dead, declared: true)]).ShouldHaveSingleItem().Key.ShouldBe("silo:10.0.0.2:11111");

    [Fact]
    public void One_that_stopped_in_order_is_not() => SiloLoss.Of([Entry(1, SiloStatus.Active), Entry(2, SiloStatus.Dead)]).ShouldBeEmpty();

    [Fact]
    public void One_that_is_back_is_not_at_its_address_or_under_its_name_at_another()
    {
        SiloLoss.Of([Entry(2, SiloStatus.Dead, declared: true), Entry(2, SiloStatus.Active, name: "other", startedAt: 60)]).ShouldBeEmpty();
        SiloLoss.Of([Entry(2, SiloStatus.Dead, declared: true), Entry(3, SiloStatus.Joining, name: "silo-2", startedAt: 60)]).ShouldBeEmpty();
        SiloLoss.Of([Entry(2, SiloStatus.Dead, declared: true, startedAt: 60), Entry(2, SiloStatus.Dead, startedAt: 0)]).Count.ShouldBe(1, "what was there before is no return");
    }

    private static SiloEntry Entry(int host, SiloStatus status, bool declared = false, string? name = null, int startedAt = 0) =>
        new(name ?? $"silo-{host}", new IPEndPoint(IPAddress.Parse($"10.0.0.{host}"), 11111), status, declared, Start.AddSeconds(startedAt), Start.AddSeconds(startedAt));
}
