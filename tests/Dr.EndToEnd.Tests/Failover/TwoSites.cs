using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Dr.Contracts.Mqtt.Client;
using Dr.EndToEnd.Tests.Link;
using Dr.EndToEnd.Tests.WebConsole;

namespace Dr.EndToEnd.Tests.Failover;

/// <summary>
/// A real control plane, two real appliances with the host role and two kiosks, all processes of their own, and every line between them in the hands of the test. The components of the systems are as light as
/// can be, a file that says "I run"; their volumes are real, and clients write to them over NBD.
/// </summary>
internal sealed class TwoSites : IAsyncDisposable
{
    public const string Production = "production";
    public const string Backup = "backup";

    private readonly string _folder = Directory.CreateTempSubdirectory("dr-sites-").FullName;
    private readonly Dictionary<string, string> _configs = [];
    private readonly Dictionary<string, CutProxy> _brokerLines = [];
    private readonly Dictionary<string, CutProxy> _copyLines = [];
    private readonly List<EdgeProcess> _kiosks = [];
    private readonly IReadOnlyList<SiteSystem> _systems;
    private readonly Mosquitto? _broker;
    private readonly string[] _devices;
    private RunningSilo _silo = null!;

    private TwoSites(Mosquitto? broker, string[] devices, IReadOnlyList<SiteSystem> systems) => (_broker, _devices, _systems) = (broker, devices, systems);

    /// <summary>The processes of the two sites.</summary>
    public Dictionary<string, EdgeProcess> Edges { get; } = [];

    /// <summary>What the street sees of each system; closed = nobody gets in.</summary>
    public Dictionary<string, Door> Doors { get; } = [];

    /// <summary>What each site's own devices try to reach outside.</summary>
    public Dictionary<string, Door> Outside { get; } = [];

    public HttpClient Api { get; private set; } = null!;

    public RunningSilo Silo => _silo;

    public static Task<TwoSites> StartAsync(params IReadOnlyList<SiteSystem> systems) => StartOnAsync(null, [], systems);

    /// <param name="broker">Between all devices and the control plane; null = the embedded one. The caller starts it and ends it.</param>
    /// <param name="devices">Further devices as the control plane's configuration names them, a line each; the test starts them itself.</param>
    public static async Task<TwoSites> StartOnAsync(Mosquitto? broker, string[] devices, params IReadOnlyList<SiteSystem> systems)
    {
        var sites = new TwoSites(broker, devices, systems);
        try
        {
            await sites.BuildAsync();
            return sites;
        }
        catch (Exception)
        {
            await sites.DisposeAsync();
            throw;
        }
    }

    public static string Other(string site) => site == Production ? Backup : Production;

    public string File(string site, string system, string what) => Path.Combine(_folder, site, $"{system}.{what}");

    /// <summary>True when the system's programs run at the site.</summary>
    public bool Runs(string site, string system) => System.IO.File.Exists(File(site, system, "run"));

    /// <summary>The site's priority for the system's virtual gateway.</summary>
    public int Priority(string site, string system) =>
        System.IO.File.Exists(File(site, system, "priority")) ? int.Parse(System.IO.File.ReadAllText(File(site, system, "priority")), CultureInfo.InvariantCulture) : 0;

    public async Task<JsonElement> SystemAsync(string id)
    {
        using var document = JsonDocument.Parse(await Api.GetStringAsync(new Uri($"systems/{id}", UriKind.Relative)));
        return document.RootElement.Clone();
    }

    public async Task<JsonElement> RunAsync(string id)
    {
        using var document = JsonDocument.Parse(await Api.GetStringAsync(new Uri($"runs/{id}", UriKind.Relative)));
        return document.RootElement.Clone();
    }

    public async Task<string> PhaseAsync(string id) => (await SystemAsync(id)).GetProperty("phase").GetString()!;

    public Task UntilPhaseAsync(string id, string phase, int seconds = 180) => UntilAsync(id, phase, view => view.GetProperty("phase").GetString() == phase, seconds);

    /// <summary>Until its view is as asked; the failure says how it is instead.</summary>
    public async Task UntilAsync(string id, string how, Func<JsonElement, bool> holds, int seconds = 180)
    {
        JsonElement last = default;
        try
        {
            await Eventually.TrueAsync($"{id} is {how}", async () => holds(last = await SystemAsync(id)), TimeSpan.FromSeconds(seconds));
        }
        catch (TimeoutException exception)
        {
            throw new TimeoutException($"Waited {seconds} s in vain until {id} is {how}; it is {last}\n{_silo.Log}", exception);
        }
    }

    /// <summary>Orders a run; its id.</summary>
    public async Task<string> OrderAsync(string system, string kind)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "runs") { Content = JsonContent.Create(new { system, kind, actor = "test", reason = "because" }) };
        request.Headers.Add("Idempotency-Key", Guid.NewGuid().ToString("N"));
        request.Headers.TryAddWithoutValidation("If-Match", (await SystemAsync(system)).GetProperty("epoch").ToString());
        using var response = await Api.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        response.IsSuccessStatusCode.ShouldBeTrue($"{kind} of {system}: {text}");
        using var document = JsonDocument.Parse(text);
        return document.RootElement.GetProperty("id").GetString()!;
    }

    public async Task DecideAsync(string run, string verb)
    {
        using var response = await Api.PostAsJsonAsync($"runs/{run}/{verb}", new { actor = "test", reason = "because" });
        response.IsSuccessStatusCode.ShouldBeTrue($"{verb} of {run}: {await response.Content.ReadAsStringAsync()}");
    }

    public Task FreezeAsync(string site) => SignalAsync("-STOP", site);

    public Task ResumeAsync(string site) => SignalAsync("-CONT", site);

    /// <summary>The site's line to the control plane goes silent with every socket open, and takes nothing new.</summary>
    public void CutFromControl(string site)
    {
        _brokerLines[site].Silence();
        _brokerLines[site].Refusing = true;
    }

    public void JoinControl(string site)
    {
        _brokerLines[site].Refusing = false;
        _brokerLines[site].Cut();
    }

    public async Task KillAsync(string site) => await Edges[site].KillAsync();

    public async Task StartSiteAsync(string site)
    {
        await Edges[site].DisposeAsync();
        Edges[site] = await EdgeProcess.StartAsync(Path.Combine(_folder, site), "--config", _configs[site]);
    }

    /// <summary>From nothing to protected, every system started at its home.</summary>
    public async Task ProtectAsync()
    {
        foreach (var system in _systems)
        {
            var home = system.Home;

            // Before it runs: a system that works while the street gets nowhere is a line fault.
            Doors[system.Id].Open();
            if (system.Volume)
            {
                await Eventually.TrueAsync($"the volume of {system.Id} is made", async () => (await Edges[home].TryAsync("volume", "show", system.Id)).Status == 0);
            }

            await Edges[home].RunAsync("system", "prepare", system.Id);
            if (system.Class == "R")
            {
                await Edges[Other(home)].RunAsync("system", "start", system.Id);
            }
        }

        foreach (var system in _systems)
        {
            await UntilPhaseAsync(system.Id, "Protected");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await CleanUp.AllAsync(
        [
            .. Edges.Keys.Select(site => (Func<Task>)(() => ResumeAsync(site))),
            .. CleanUp.Of(_kiosks.Concat(Edges.Values).Cast<IAsyncDisposable>().Concat(_silo is null ? [] : [_silo]).Concat(_brokerLines.Values).Concat(_copyLines.Values)),
            .. Doors.Values.Concat(Outside.Values).Select(door => (Func<Task>)(() => Task.Run(door.Dispose))),
            () => Task.Run(() => Api?.Dispose()),
            () => Task.Run(() => Directory.Delete(_folder, recursive: true)),
        ]);
    }

    private async Task BuildAsync()
    {
        var replication = new Dictionary<string, int> { [Production] = FreePorts.Next(), [Backup] = FreePorts.Next() };
        foreach (var (site, port) in replication)
        {
            _copyLines[site] = new CutProxy(new BrokerAddress("127.0.0.1", port));
            Outside[site] = new Door();
            Outside[site].Open();
            Directory.CreateDirectory(Path.Combine(_folder, site));
        }

        foreach (var system in _systems)
        {
            Doors[system.Id] = new Door();
        }

        _silo = _broker is null ? await RunningSilo.StartAsync(SiloConfig()) : await RunningSilo.StartOnAsync(_broker.Address, SiloConfig());
        var brokerPort = _broker?.Address.Port ?? _silo.BrokerPort;
        Api = new HttpClient { BaseAddress = new Uri($"{_silo.Url}api/v1/"), Timeout = TimeSpan.FromSeconds(60) };
        foreach (var (site, port) in replication)
        {
            var line = _brokerLines[site] = new CutProxy(new BrokerAddress("127.0.0.1", brokerPort));
            _configs[site] = Path.Combine(_folder, $"{site}.yaml");
            await System.IO.File.WriteAllTextAsync(_configs[site], SiteConfig(site, port, line.Address));
            Edges[site] = await EdgeProcess.StartAsync(Path.Combine(_folder, site), "--config", _configs[site]);
        }

        for (var n = 1; n <= 2; n++)
        {
            var folder = Directory.CreateDirectory(Path.Combine(_folder, $"kiosk-{n}")).FullName;
            var config = Path.Combine(_folder, $"kiosk-{n}.yaml");
            await System.IO.File.WriteAllTextAsync(config, $"device: kiosk-{n}\nsite: street\nroles: [kiosk]\nbrokers: [ 127.0.0.1:{brokerPort} ]\ntargets:\n"
                + string.Concat(_systems.Select(s => $"  \"system:{s.Id}\": \"tcp://127.0.0.1:{Doors[s.Id].Port}\"\n")));
            _kiosks.Add(await EdgeProcess.StartAsync(folder, "--config", config));
        }
    }

    private string SiloConfig()
    {
        var text = new StringBuilder("""
            sites: [ {id: production}, {id: backup}, {id: street} ]
            devices:
              - { id: prod-1, site: production, roles: [appliance, host], busyPeriod: 1s }
              - { id: back-1, site: backup, roles: [appliance, host], busyPeriod: 1s }
              - { id: kiosk-1, site: street, roles: [kiosk], busyPeriod: 1s }
              - { id: kiosk-2, site: street, roles: [kiosk], busyPeriod: 1s }

            """);
        text.Append(string.Concat(_devices.Select(line => $"  - {line}\n"))).Append("systems:\n");
        foreach (var system in _systems)
        {
            text.Append(CultureInfo.InvariantCulture, $"  - id: {system.Id}\n    class: {system.Class}\n    home: {system.Home}\n    hosts: {{ production: prod-1, backup: back-1 }}\n    approval: automatic\n    leaseTtl: 6s\n    points: 0s\n");
            if (system.Volume)
            {
                text.Append(CultureInfo.InvariantCulture, $"    volume: {system.Id}\n    size: 16MiB\n    copy: {{ mode: {system.Copy} }}\n    appliances: {{ production: prod-1, backup: back-1 }}\n");
                text.Append(CultureInfo.InvariantCulture, $"    replication: {{ production: {_copyLines[Production].Address}, backup: {_copyLines[Backup].Address} }}\n");
            }

            text.Append(string.Concat(system.More.Select(line => $"    {line}\n")));
        }

        return text.ToString();
    }

    private string SiteConfig(string site, int replication, BrokerAddress broker)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"device: {(site == Production ? "prod-1" : "back-1")}\nsite: {site}\nroles: [appliance, host]\nreplication: {{ listen: 127.0.0.1:{replication} }}\nbrokers: [ {broker} ]\n");
        text.Append(CultureInfo.InvariantCulture, $"targets: {{ outside: \"tcp://127.0.0.1:{Outside[site].Port}\" }}\nsystems:\n");
        foreach (var system in _systems)
        {
            var (run, priority) = (File(site, system.Id, "run"), File(site, system.Id, "priority"));
            text.Append(CultureInfo.InvariantCulture, $$"""
                  - id: {{system.Id}}
                {{(system.Volume ? $"    volume: {system.Id}\n    lease: true" : "    lease: false")}}{{(system.Edge is { } edge ? $"\n    {edge}" : "")}}
                    components:
                      - { name: app, background: true, start: "echo . >> {{File(site, system.Id, "starts")}}; touch {{run}}", stop: "rm -f {{run}}", check: { command: "test -e {{run}}", period: 1s } }
                    network:
                      - { kind: command, apply: "echo 200 > {{priority}}", remove: "echo 0 > {{priority}}", read: "grep -qs 200 {{priority}}" }

                """);
        }

        return text.ToString();
    }

    private async Task SignalAsync(string signal, string site) =>
        await Repository.RunAsync("/bin/kill", [signal, Edges[site].Pid.ToString(CultureInfo.InvariantCulture)], TimeSpan.FromSeconds(5));
}
