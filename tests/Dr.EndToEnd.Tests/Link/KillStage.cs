using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>Edge, Mosquitto and silo in real processes, of which one after the other is killed and started again.</summary>
internal sealed class KillStage : IAsyncDisposable
{
    private readonly Mosquitto _broker = new();
    private ReadyProcess? _silo;
    private ReadyProcess? _edge;

    /// <summary>From <c>DR_OUTBOX_KILLS</c>; 0 = the sweeps do not run.</summary>
    public static int Kills { get; } = Read("DR_OUTBOX_KILLS", 0);

    public static int Seed { get; } = Read("DR_OUTBOX_SEED", 1);

    public string Folder { get; } = Directory.CreateTempSubdirectory("dr-kills-").FullName;

    public string SiloAddress { get; } = FreePorts.NextAddress();

    /// <summary>Socket of the edge's control commands.</summary>
    public string Control => Path.Combine(Folder, "control.sock");

    /// <summary>Everything that the edge logged, of all its starts.</summary>
    public IEnumerable<string> EdgeLog => _edge?.Lines ?? [];

    /// <summary>How often the edge killed itself at the crash point.</summary>
    public int DiedThere { get; private set; }

    public async Task StartAsync(string siloConfig, string edgeConfig)
    {
        await File.WriteAllTextAsync(Path.Combine(Folder, "silo.yaml"), siloConfig);
        await File.WriteAllTextAsync(Path.Combine(Folder, "edge.yaml"), $"brokers: ['{_broker.Address}']\n{edgeConfig}");
        await _broker.StartAsync();
        _silo = new ReadyProcess(
            Repository.Program("Dr.Silo", "dr-silo"), "run", "--data", Path.Combine(Folder, "silo"), "--http", SiloAddress, "--broker", _broker.Address.ToString(), "--config", Path.Combine(Folder, "silo.yaml"));
        _edge = new ReadyProcess(EdgeProcess.Program, "run", "--data", Path.Combine(Folder, "edge"), "--control", Control, "--nbd-socket", Path.Combine(Folder, "nbd.sock"), "--config", Path.Combine(Folder, "edge.yaml"));
        await Task.WhenAll(_silo.StartAsync(), _edge.StartAsync());
    }

    /// <summary>Kills so many times, some three seconds each. How often whom.</summary>
    /// <param name="edgeDiesAt">Every second edge that is started kills itself at one of the first passages of this crash point, which random moments hardly ever hit.</param>
    public async Task<IReadOnlyDictionary<string, int>> KillAsync(string? edgeDiesAt = null)
    {
        var random = new Random(Seed);
        var killed = new Dictionary<string, int>(StringComparer.Ordinal) { ["edge"] = 0, ["broker"] = 0, ["silo"] = 0 };
        for (var kill = 0; kill < Kills; kill++)
        {
            await Task.Delay(random.Next(3000));
            var who = _edge!.HasEnded ? "edge" : killed.Keys.ElementAt(random.Next(3));
            killed[who]++;
            DiedThere += _edge.HasEnded ? 1 : 0;
            await (who switch { "edge" => _edge!.KillAsync(), "silo" => _silo!.KillAsync(), _ => _broker.KillAsync() });
            await Task.Delay(random.Next(300));
            await (who switch { "edge" => _edge!.StartToDieAsync(edgeDiesAt is not null && random.Next(2) == 0 ? $"{edgeDiesAt}:{random.Next(1, 6)}" : null), "silo" => _silo!.StartAsync(), _ => _broker.StartAsync() });
        }

        if (edgeDiesAt is not null)
        {
            DiedThere += _edge!.HasEnded ? 1 : 0;
            killed["edge"]++;
            await _edge.KillAsync();
            await _edge.StartAsync();
        }

        return killed;
    }

    /// <summary>The control plane's database, to be read.</summary>
    public async Task<SqliteConnection> OpenDatabaseAsync()
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(Folder, "silo", "silo.db")};Mode=ReadOnly;Default Timeout=20");
        await connection.OpenAsync();
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in new[] { _edge, _silo }.OfType<ReadyProcess>())
        {
            await process.DisposeAsync();
        }

        await _broker.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(Folder, recursive: true);
    }

    private static int Read(string variable, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
