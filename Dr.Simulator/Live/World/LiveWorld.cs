using System.Diagnostics;
using System.Text.Json;
using Dr.Simulator.Live.Faults;
using Dr.Simulator.Live.Judging;
using Npgsql;

namespace Dr.Simulator.Live.World;

/// <summary>
/// Two sites with an appliance and host agent each, a third place with the control plane's database, the broker and a silo, another silo at the backup site, two kiosks on the street, and clients that work all the
/// time: all real processes, each place in a network of its own. Everything is in a folder and namespaces that <see cref="Scene"/> knows.
/// </summary>
internal sealed class LiveWorld : IAsyncDisposable
{
    private const long DiskBytes = 4L << 30;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(4);

    private readonly LivePrograms _programs;
    private readonly Scene _scene;
    private readonly List<Machine> _machines = [];
    private Process? _desk;

    private LiveWorld(LivePrograms programs, Scene scene, IReadOnlyList<LiveSystem> systems)
    {
        (_programs, _scene, Systems) = (programs, scene, systems);
        Network = new LiveNetwork(scene.Prefix);
        Control = new ControlPlane([.. new[] { LivePlaces.Third, LivePlaces.Backup }.Select(place =>
        {
            var client = Network.ClientAt(place, AnswerLimit);
            client.BaseAddress = new Uri($"http://127.0.0.1:{LiveConfigs.HttpPort}/api/v1/");
            return client;
        })]);
    }

    public IReadOnlyList<LiveSystem> Systems { get; }

    public LiveNetwork Network { get; }

    public ControlPlane Control { get; }

    /// <summary>Appliance and host agent of each site.</summary>
    public Dictionary<string, Machine> Sites { get; } = [];

    /// <summary>By place.</summary>
    public Dictionary<string, Machine> Silos { get; } = [];

    public Dictionary<string, SmallDisk> Disks { get; } = [];

    public Machine Broker { get; private set; } = null!;

    public Machine Store { get; private set; } = null!;

    /// <summary>The numbered writers of the systems without a database.</summary>
    public Dictionary<string, VolumeWriters> Writers { get; } = [];

    /// <summary>What the desk's clients were answered.</summary>
    public string LedgerPath => Path.Combine(_scene.Folder, "ledger");

    public string DeskStatusPath => Path.Combine(_scene.Folder, "desk.json");

    private string LogFolder => _scene.LogFolder;

    public string StoreConnection => $"Host={_scene.Folder}/store;Port={LiveConfigs.StorePort};Username=postgres;Database=dr;Timeout=5;Command Timeout=10;Pooling=false";

    /// <summary>Slots of a numbered volume.</summary>
    public static long Slots => LiveSystem.Size / NumberedRecord.Size;

    /// <summary>From nothing to every system protected and every client at work.</summary>
    /// <param name="progress">What is being done, and how far it is (0–1).</param>
    public static async Task<LiveWorld> BuildAsync(LivePrograms programs, Scene scene, IReadOnlyList<LiveSystem> systems, Action<string, double> progress, CancellationToken cancellationToken)
    {
        var world = new LiveWorld(programs, scene, systems);
        try
        {
            await world.BuildAsync(progress, cancellationToken);
            return world;
        }
        catch (Exception)
        {
            await world.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client command of <c>dr-edge</c> at a site.</summary>
    public Task<(int Status, string Output)> EdgeAsync(string site, params string[] arguments) => EdgeAsync(site, TimeSpan.FromMinutes(2), arguments);

    public Task<(int Status, string Output)> EdgeAsync(string site, TimeSpan limit, params string[] arguments) =>
        Tool.TryAsync(_programs.Edge, [.. arguments, "--control", LiveConfigs.Control(Folder(site))], limit);

    /// <summary>The site's machine loses its power; the block devices and the services' addresses that it had are forgotten, as any machine's are.</summary>
    public async Task PowerOffAsync(string site)
    {
        await Sites[site].PowerOffAsync();
        foreach (var system in Systems)
        {
            await Tool.TryAsync("ip", ["-n", Network.NameOf(site), "addr", "del", $"{system.ServiceAddress}/32", "dev", "eth0"]);
        }

        var (_, output) = await Tool.TryAsync("losetup", ["--list", "--noheadings", "--raw", "--output", "NAME,BACK-FILE"]);
        foreach (var parts in output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(' ', 2)).Where(p => p.Length == 2 && p[1].StartsWith($"{Disks[site].Mount}/data/", StringComparison.Ordinal)))
        {
            await Tool.TryAsync("losetup", ["--detach", parts[0]]);
        }
    }

    /// <summary>Where a volume's files lie at a site.</summary>
    public string VolumeFolder(string site, string id) => Path.Combine(Disks[site].Mount, "data", "volumes", id);

    public string Scratch(string name) => Path.Combine(_scene.Folder, name);

    public static string PeerAddress(string site) => $"{LiveNetwork.Address(site)}:{LiveConfigs.ReplicationPort}";

    /// <summary>The clients end; what was answered stays.</summary>
    public async Task StopClientsAsync()
    {
        foreach (var writers in Writers.Values)
        {
            writers.Dispose();
        }

        if (_desk is { } desk)
        {
            _desk = null;
            Native.Signal(desk.Id, Native.SIGTERM);
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            await desk.WaitForExitAsync(patience.Token).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            if (!desk.HasExited)
            {
                desk.Kill();
            }

            desk.Dispose();
        }
    }

    /// <summary>The desk's own judge, as JSON; on the street, where the desk is.</summary>
    public Task<(int Status, string Output)> CheckDeskAsync(LiveSystem system) =>
        Tool.TryAsync("nsenter", [$"--net={Network.PathOf(LivePlaces.Street)}", _programs.Sim, "workload", "check", "--connection", DeskConnection(system), "--ledger", LedgerPath, "--json"]);

    public async ValueTask DisposeAsync()
    {
        await StopClientsAsync();
        Control.Dispose();

        // Sites first: they stop in order what the others would only see vanish. All at once, since nobody waits for anybody.
        await Task.WhenAll(_machines.Select(m => m.DisposeAsync().AsTask()));
    }

    private string Folder(string name) => Path.Combine(_scene.Folder, name);

    private async Task BuildAsync(Action<string, double> progress, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(LogFolder);
        progress("networks and disks", 0);
        await Network.BuildAsync();
        foreach (var site in LivePlaces.Sites)
        {
            Directory.CreateDirectory(Folder(site));
            Disks[site] = new SmallDisk(Folder($"{site}.img"), Folder($"{site}-disk"));
            await Disks[site].BuildAsync(DiskBytes);
        }

        progress("the control plane's database and broker", 0.1);
        await BuildThirdAsync(cancellationToken);
        progress("silos", 0.25);
        await BuildSilosAsync(cancellationToken);
        progress("sites and kiosks", 0.45);
        await BuildSitesAsync(cancellationToken);
        progress("volumes, file system and database", 0.6);
        await PrepareAsync(cancellationToken);
        progress("clients at work", 0.9);
        StartClients();
        await Wait.UntilAsync("the first commits of every system's clients", () => Task.FromResult(Systems.All(s => LastCommit(s) is not null)), Patience, cancellationToken);
    }

    private async Task BuildThirdAsync(CancellationToken cancellationToken)
    {
        var (data, run, address) = (Folder("store-data"), Folder("store"), LiveNetwork.Address(LivePlaces.Third));
        Directory.CreateDirectory(run);
        Directory.CreateDirectory(data);
        await Tool.RunAsync("chown", "postgres", run, data);
        string[] asPostgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"];
        await Tool.RunAsync("runuser", "-u", "postgres", "--", Path.Combine(_programs.PostgresBin, "initdb"), "-D", data, "-A", "trust", "-U", "postgres", "--no-sync");
        await File.AppendAllTextAsync(Path.Combine(data, "pg_hba.conf"), $"host all all {LiveNetwork.ServiceNetwork} trust\n", cancellationToken);
        Store = New("store", LivePlaces.Third,
            [.. asPostgres, Path.Combine(_programs.PostgresBin, "postgres"), "-D", data, "-p", $"{LiveConfigs.StorePort}", "-c", $"listen_addresses={address}", "-c", $"unix_socket_directories={run}", "-c", "max_connections=120"]);
        Store.Boot();
        var config = Folder("mosquitto.conf");
        await File.WriteAllTextAsync(config, LiveConfigs.Broker(), cancellationToken);
        Broker = New("broker", LivePlaces.Third, _programs.Mosquitto, "-c", config);
        Broker.Boot();
        await Wait.UntilAsync("the control plane's database", CreateDatabaseAsync, Patience, cancellationToken, () => Store.Tail(10));
    }

    private async Task<bool> CreateDatabaseAsync()
    {
        try
        {
            await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(StoreConnection) { Database = "postgres" }.ToString());
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand("create database dr", connection);
            await command.ExecuteNonQueryAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private async Task BuildSilosAsync(CancellationToken cancellationToken)
    {
        var config = Folder("silo.yaml");
        await File.WriteAllTextAsync(config, LiveConfigs.Silo(Systems), cancellationToken);
        var third = LiveNetwork.Address(LivePlaces.Third);
        foreach (var place in new[] { LivePlaces.Third, LivePlaces.Backup })
        {
            Silos[place] = New(
                $"silo-{place}", place, _programs.Silo, "run", "--postgres", $"Host={third};Port={LiveConfigs.StorePort};Username=postgres;Database=dr;Maximum Pool Size=40",
                "--broker", $"{third}:{LiveConfigs.BrokerPort}", "--config", config, "--http", $"127.0.0.1:{LiveConfigs.HttpPort}",
                "--silo-address", LiveNetwork.Address(place), "--silo-port", $"{LiveConfigs.SiloPort}", "--gateway-port", $"{LiveConfigs.GatewayPort}");
        }

        await Task.WhenAll(Silos.Values.Select(s => s.BootAsync(cancellationToken)));
        await using var connection = new NpgsqlConnection(StoreConnection);
        await connection.OpenAsync(cancellationToken);
        await OwnershipHistory.InstallAsync(connection, cancellationToken);
    }

    private async Task BuildSitesAsync(CancellationToken cancellationToken)
    {
        List<Machine> devices = [];
        foreach (var site in LivePlaces.Sites)
        {
            var config = Folder($"{site}.yaml");
            await File.WriteAllTextAsync(config, LiveConfigs.Site(site, Systems, Disks[site].Mount, Folder(site), _programs.Mosquitto), cancellationToken);
            foreach (var system in Systems.Where(s => !s.HasDatabase))
            {
                await File.WriteAllTextAsync(LiveConfigs.ProgramConfig(Folder(site), system), LiveConfigs.Program(system), cancellationToken);
            }

            devices.Add(Sites[site] = New(site, site, _programs.Edge, "run", "--config", config));
        }

        foreach (var kiosk in LiveConfigs.Kiosks)
        {
            Directory.CreateDirectory(Folder(kiosk));
            var config = Folder($"{kiosk}.yaml");
            await File.WriteAllTextAsync(config, LiveConfigs.Kiosk(kiosk, Systems, Folder(kiosk)), cancellationToken);
            devices.Add(New(kiosk, LivePlaces.Street, _programs.Edge, "run", "--config", config));
        }

        await Task.WhenAll(devices.Select(d => d.BootAsync(cancellationToken)));
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        foreach (var system in Systems)
        {
            await Wait.UntilAsync($"the volume of {system.Id} to be made", async () => (await EdgeAsync(system.Home, "volume", "show", system.Id)).Status == 0, Patience, cancellationToken, () => Silos[LivePlaces.Third].Tail(10));
            var (status, said) = await EdgeAsync(system.Home, "system", "prepare", system.Id);
            if (status != 0)
            {
                throw new DrException($"{system.Id} could not be prepared at {system.Home}: {said.Trim()}", "The logs are in the report's folder.");
            }
        }

        await Wait.UntilAsync("every system to be protected", async () => await Control.SystemsAsync(cancellationToken) is { } views && views.Count == Systems.Count && views.TrueForAll(v => v.Phase == "Protected"), Patience, cancellationToken, () => Silos[LivePlaces.Third].Tail(10));
    }

    private void StartClients()
    {
        foreach (var system in Systems)
        {
            if (system.HasDatabase)
            {
                _desk = Process.Start(new ProcessStartInfo(
                    "nsenter",
                    [$"--net={Network.PathOf(LivePlaces.Street)}", _programs.Sim, "workload", "run", "--connection", DeskConnection(system), "--ledger", LedgerPath, "--status", DeskStatusPath, "--rate", "20"]) { UseShellExecute = false });
            }
            else
            {
                var sockets = LivePlaces.Sites.ToDictionary(site => site, site => LiveConfigs.NbdSocket(Folder(site)));
                Writers[system.Id] = new VolumeWriters(system.Id, sockets, new VolumeWritersOptions(Slots, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(250), Flush: true));
            }
        }
    }

    /// <summary>When the system's clients had their last commit answered; null before the first.</summary>
    public DateTimeOffset? LastCommit(LiveSystem system)
    {
        if (!system.HasDatabase)
        {
            return Writers.TryGetValue(system.Id, out var writers) && writers.Last is { } last ? DateTimeOffset.UtcNow - TimeSpan.FromSeconds(VolumeWriters.Now - last.At) : null;
        }

        try
        {
            using var document = JsonDocument.Parse(File.ReadAllText(DeskStatusPath));
            var root = document.RootElement;
            return root.GetProperty("secondsSinceLastCommit") is { ValueKind: JsonValueKind.Number } seconds ? root.GetProperty("at").GetDateTimeOffset() - TimeSpan.FromSeconds(seconds.GetDouble()) : null;
        }
        catch (Exception exception) when (exception is IOException or JsonException or KeyNotFoundException)
        {
            return null;
        }
    }

    private static string DeskConnection(LiveSystem system) => $"Host={system.ServiceAddress};Port={system.ServicePort};Username=postgres;Database=postgres;Timeout=2;Command Timeout=5;Keepalive=2;Pooling=false";

    private Machine New(string name, string place, params string[] command)
    {
        var machine = new Machine(name, Network.PathOf(place), Path.Combine(LogFolder, $"{name}.log"), command);
        _machines.Add(machine);
        return machine;
    }
}
