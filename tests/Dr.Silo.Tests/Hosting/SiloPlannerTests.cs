using Dr.Contracts.Errors;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Hosting;

namespace Dr.Silo.Tests.Hosting;

public sealed class SiloPlannerTests
{
    private const string Good = """
        sites: [ {id: production}, {id: backup} ]
        devices:
          - { id: prod-1, site: production, roles: [appliance, host] }
          - { id: back-1, site: backup, roles: [appliance, host], busyPeriod: 500ms }
          - { id: kiosk-1, site: backup, roles: [kiosk] }
        systems:
          - id: dilas
            class: T
            home: production
            volume: dilas
            size: 1GiB
            copy: { mode: sync }
            hosts: { production: prod-1, backup: back-1 }
            appliances: { production: prod-1, backup: back-1 }
            replication: { production: "127.0.0.1:1", backup: "127.0.0.1:2" }
            trial: 1h
        """;

    [Fact]
    public void A_complete_configuration_becomes_typed_settings_with_defaults()
    {
        var plan = SiloConfigFile.Parse(Good, "silo.yaml");

        var dilas = plan.Systems.ShouldHaveSingleItem();
        dilas.Class.ShouldBe(TakeoverClass.T);
        dilas.Home.ShouldBe(new SiteId("production"));
        dilas.PeerSite.Site.ShouldBe(new SiteId("backup"));
        dilas.PeerSite.Appliance.ShouldBe(new DeviceId("back-1"));
        dilas.VolumeSizeBytes.ShouldBe(1L << 30);
        dilas.CopyMode.ShouldBe(CopyMode.Sync);
        dilas.Trial.ShouldBe(TimeSpan.FromHours(1));
        dilas.LeaseTtl.ShouldBe(TimeSpan.FromSeconds(6));
        plan.Devices[new DeviceId("prod-1")].Systems.ShouldBe([new SystemId("dilas")]);
        plan.Devices[new DeviceId("prod-1")].Config.BusyPeriodMs.ShouldBe(1000);
        plan.Devices[new DeviceId("back-1")].Config.BusyPeriodMs.ShouldBe(500);
        plan.Devices[new DeviceId("kiosk-1")].Systems.ShouldBeEmpty();
        plan.MembersOf(new SiteId("backup")).Count.ShouldBe(2);
    }

    [Theory]
    [InlineData("class: T", "class: X", "class is T or R")]
    [InlineData("home: production", "home: nowhere", "home 'nowhere' is not among the sites")]
    [InlineData("mode: sync", "mode: fast", "copy.mode")]
    [InlineData("size: 1GiB", "size: big", "'big' is not a size")]
    [InlineData("trial: 1h", "trial: soon", "'soon' is not a duration")]
    [InlineData("trial: 1h", "leaseTtl: 1s", "leaseTtl below 2s")]
    [InlineData("hosts: { production: prod-1, backup: back-1 }", "hosts: { production: prod-1, backup: kiosk-1 }", "'kiosk-1' does not have the role host")]
    [InlineData("id: kiosk-1", "id: prod-1", "'prod-1' is there twice")]
    [InlineData("id: kiosk-1", "id: kiosk-1, follows: [elsewhere]", "kiosk-1: follows 'elsewhere', which is not among the systems")]
    [InlineData("backup: \"127.0.0.1:2\"", "backup: somewhere", "replication has no host:port for backup")]
    public void A_wrong_value_is_refused_with_its_place(string from, string to, string expected)
    {
        var error = Should.Throw<DrException>(() => SiloConfigFile.Parse(Good.Replace(from, to, StringComparison.Ordinal), "silo.yaml"));
        error.Message.ShouldContain("silo.yaml");
        error.Message.ShouldContain(expected);
        error.Hint.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public void Every_problem_is_told_at_once()
    {
        var error = Should.Throw<DrException>(() => SiloConfigFile.Parse(
            Good.Replace("trial: 1h", "trial: soon", StringComparison.Ordinal).Replace("size: 1GiB", "size: big", StringComparison.Ordinal), "silo.yaml"));
        error.Message.ShouldContain("soon");
        error.Message.ShouldContain("big");
    }

    [Fact]
    public void A_misspelt_key_is_an_error_with_its_line() =>
        Should.Throw<DrException>(() => SiloConfigFile.Parse(Good.Replace("    volume:", "    volum:", StringComparison.Ordinal), "silo.yaml")).Message.ShouldContain("line");
}
