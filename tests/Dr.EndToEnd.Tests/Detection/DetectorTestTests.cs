using System.Globalization;
using Dr.EndToEnd.Tests.WebConsole;

namespace Dr.EndToEnd.Tests.Detection;

/// <summary>A real edge, the embedded broker and a real control plane: pushed hours, a table of policies, and a synthetic kill.</summary>
public sealed class DetectorTestTests
{
    private const string Config = """
        sites: [{ id: production }, { id: backup }]
        devices:
          - { id: prod-1, site: production, roles: [host, appliance], calendar: city }
          - { id: back-1, site: backup, roles: [host, appliance] }
        systems:
          - id: dilas
            class: T
            home: production
            volume: dilas
            size: 16MiB
            hosts: { production: prod-1, backup: back-1 }
            appliances: { production: prod-1, backup: back-1 }
            replication: { production: "127.0.0.1:1", backup: "127.0.0.1:2" }
        """;

    [Fact]
    public async Task A_calendar_and_a_policy_reach_a_running_edge_and_a_synthetic_kill_is_measured_without_a_takeover()
    {
        await using var silo = await RunningSilo.StartAsync(Config);
        var folder = Directory.CreateTempSubdirectory("dr-detector-").FullName;
        try
        {
            var config = Path.Combine(folder, "edge.yaml");
            await File.WriteAllTextAsync(config, $"device: prod-1\nsite: production\nroles: [host, appliance]\nbrokers: ['127.0.0.1:{silo.BrokerPort.ToString(CultureInfo.InvariantCulture)}']\n");
            await using (var edge = await EdgeProcess.StartAsync(folder, "--config", config))
            {
                await Eventually.TrueAsync("the volume to be made", async () => (await edge.TryAsync("volume", "list")).Output.Contains("dilas", StringComparison.Ordinal));

                // A branch that opens for one minute a day, and not on this one: idle hours are pushed, and used, at once.
                await RunAsync(silo, "policies", "calendar", "city", "--time-zone", "UTC", "--hours", "00:00-00:01", "--day", $"{DateTime.UtcNow:yyyy-MM-dd}=closed", "--day", $"{DateTime.UtcNow.AddDays(1):yyyy-MM-dd}=closed");
                await Eventually.TrueAsync("idle hours at the edge", async () => (await RunAsync(silo, "devices", "--json")).Contains("\"hourClass\": \"Idle\"", StringComparison.Ordinal));

                var table = Path.Combine(folder, "policies.csv");
                await File.WriteAllTextAsync(table,
                    "group,system_ids,kind,full_every,incremental_every,differential_every,application_every,network,link_mbps,link_shared,servers,disk_tb,tape_tb,expected_fault_rate_below_percent,keep,fine_window\n"
                    + "1,dilas,realtime,1d,5m,,1d,internet,5,no,1 x IBM P750,5,5,2,\"24h:5m,7d:1h\",6h\n");
                (await RunAsync(silo, "policies", "import", table, "--dry-run")).ShouldContain("Would change");
                (await RunAsync(silo, "policies", "import", table)).ShouldContain("is in force");
                await Eventually.TrueAsync("the appliance to keep to the policy", async () => (await edge.RunAsync("volume", "show", "dilas")) is var shown && shown.Contains("6h", StringComparison.Ordinal) && shown.Contains("1d:5m,7d:1h", StringComparison.Ordinal));
                (await edge.RunAsync("bandwidth", "list")).ShouldContain("internet-5");

                // On a machine with late ticks the control plane says that it had trouble of its own, and is asked again.
                var tested = (Status: -1, Output: "");
                await Eventually.TrueAsync(
                    "a test that is measured",
                    async () =>
                    {
                        tested = await TryAsync(silo, "detector", "test", "dilas", "--json");
                        return !tested.Output.Contains("had trouble of its own", StringComparison.Ordinal);
                    },
                    TimeSpan.FromMinutes(3));
                tested.Status.ShouldBe(0, tested.Output);
                tested.Output.ShouldContain("\"seconds\":");
                var systems = await RunAsync(silo, "systems", "--json");
                systems.ShouldContain("\"epoch\": 1");
                (await RunAsync(silo, "detector", "list")).ShouldContain("host");
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<string> RunAsync(RunningSilo silo, params string[] arguments)
    {
        var (status, output) = await TryAsync(silo, arguments);
        status.ShouldBe(0, $"dr-silo {string.Join(' ', arguments)}: {output}\n{silo.Log}");
        return output;
    }

    private static Task<(int Status, string Output)> TryAsync(RunningSilo silo, params string[] arguments) => Repository.RunAsync(
        Repository.Program("Dr.Silo", "dr-silo"), [.. arguments, "--server", $"127.0.0.1:{silo.HttpPort.ToString(CultureInfo.InvariantCulture)}"], TimeSpan.FromSeconds(90));
}
