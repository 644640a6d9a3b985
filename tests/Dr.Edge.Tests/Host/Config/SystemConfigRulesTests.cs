using Dr.Edge.Host;
using Dr.Edge.Host.Config;
using Dr.Edge.Hosting;

namespace Dr.Edge.Tests.Host.Config;

public sealed class SystemConfigRulesTests
{
    private const string Good = """
        device: prod-1
        roles: [appliance, host]
        data: /var/lib/dr-edge
        systems:
          - id: dilas
            volume: dilas
            mount: /srv/dilas
            fileSystem: ext4
            lease: true
            quiesce: { provider: postgresql, timeout: 10s }
            components:
              - { name: postgresql, kind: postgresql, dataDirectory: /srv/dilas/pg, port: 5433, address: 127.0.0.1, user: postgres, check: { sql: "select 1", period: 1s, timeout: 2s } }
              - { name: app, start: "run", stop: "halt", check: { tcp: "127.0.0.1:80" }, dependsOn: [postgresql] }
            network:
              - { kind: address, address: 127.77.0.1/32, device: lo }
              - { kind: command, apply: a, remove: b, read: c }
        """;

    [Fact]
    public void The_documented_example_is_read_as_written_and_accepted()
    {
        var system = Read(Good).ShouldHaveSingleItem();
        system.Components[0].Check!.Period.ShouldBe(TimeSpan.FromSeconds(1));
        system.Components[1].DependsOn.ShouldBe(["postgresql"]);
        system.Quiesce!.Timeout.ShouldBe(TimeSpan.FromSeconds(10));
        SystemConfigRules.Check([system], "/var/lib/dr-edge").ShouldBeEmpty();
    }

    [Theory]
    [InlineData("id: dilas", "id: 'di las'", "systems[di las].id")]
    [InlineData("volume: dilas", "volume: ''", "volume")]
    [InlineData("mount: /srv/dilas", "mount: /", "mount")]
    [InlineData("data: /var/lib/dr-edge", "data: /srv/dilas/data", "mount")]
    [InlineData("fileSystem: ext4", "fileSystem: ntfs", "fileSystem")]
    [InlineData("provider: postgresql", "provider: oracle", "quiesce")]
    [InlineData("timeout: 10s }", "timeout: 5m }", "quiesce.timeout")]
    [InlineData("dataDirectory: /srv/dilas/pg", "dataDirectory: /srv/other", "components[postgresql].dataDirectory")]
    [InlineData("port: 5433", "port: 70000", "components[postgresql].port")]
    [InlineData("user: postgres", "user: root", "components[postgresql].user")]
    [InlineData("sql: \"select 1\"", "process: true, tcp: \"a:1\"", "components[postgresql].check")]
    [InlineData("period: 1s", "period: 0s", "check.period")]
    [InlineData("start: \"run\"", "start: \"\"", "components[app].start")]
    [InlineData("127.0.0.1:80", "127.0.0.1", "check.tcp")]
    [InlineData("dependsOn: [postgresql]", "dependsOn: [mail]", "components[app].dependsOn")]
    [InlineData("dependsOn: [postgresql]", "dependsOn: [app]", "components")]
    [InlineData("name: app", "name: postgresql", "components")]
    [InlineData("dependsOn: [postgresql]", "background: true, dependsOn: []", null)]
    [InlineData("check: { tcp: \"127.0.0.1:80\" }", "background: true", "components[app].background")]
    [InlineData("127.77.0.1/32", "127.77.0.1", "network[0].address")]
    [InlineData("127.77.0.1/32", "127.77.0.1/33", "network[0].address")]
    [InlineData("device: lo }", "device: '' }", "network[0].device")]
    [InlineData(", read: c", "", "network[1]")]
    [InlineData("kind: command, apply", "kind: magic, apply", "network[1].kind")]
    public void Each_mistake_is_named_with_its_place_and_a_remedy(string good, string bad, string? where)
    {
        Good.ShouldContain(good);
        var config = EdgeConfigFile.Parse(Good.Replace(good, bad, StringComparison.Ordinal), "test.yaml");
        var faults = SystemConfigRules.Check(config.Systems, config.Data);
        if (where is null)
        {
            faults.ShouldBeEmpty();
            return;
        }

        var fault = faults.ShouldHaveSingleItem();
        fault.Where.ShouldEndWith(where);
        fault.What.ShouldEndWith(".");
        fault.Remedy.ShouldEndWith(".");
    }

    [Fact]
    public void All_mistakes_are_reported_at_once() => SystemConfigRules.Check(
        Read(Good.Replace("fileSystem: ext4", "fileSystem: ntfs", StringComparison.Ordinal).Replace("port: 5433", "port: 0", StringComparison.Ordinal)), "/d").Count.ShouldBe(2);

    [Fact]
    public void Two_systems_cannot_share_a_mount_a_volume_or_an_address()
    {
        var faults = SystemConfigRules.Check([.. Read(Good), .. Read(Good.Replace("id: dilas", "id: other", StringComparison.Ordinal))], "/d");
        faults.Select(f => f.What.Split('\'')[0].Trim()).ShouldBe(["The mount", "The volume", "The address and port"]);
    }

    private static List<SystemConfig> Read(string yaml) => EdgeConfigFile.Parse(yaml, "test.yaml").Systems;
}
