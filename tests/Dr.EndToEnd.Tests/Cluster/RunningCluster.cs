using System.Diagnostics;
using System.Globalization;
using System.Text;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;
using Dr.EndToEnd.Tests.Link;
using Dr.Silo.Storage;
using Dr.Silo.Tests.Support;
using Dr.Simulator.Live.Judging;
using Npgsql;

namespace Dr.EndToEnd.Tests.Cluster;

/// <summary>
/// Several real silos on one PostgreSQL, each through a line of its own that can be cut, a real broker, two sites with a business system and kiosks that lend
/// books all the time. <see cref="JudgeAsync"/> says at the end whether anything was done twice, lost, or by two owners.
/// </summary>
internal sealed class RunningCluster : IAsyncDisposable
{
    public const int KioskCount = 12;

    public static readonly SystemId System = new("dilas");

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);

    private readonly string _folder = Directory.CreateTempSubdirectory("dr-cluster-").FullName;
    private readonly Mosquitto _broker = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly List<FleetMember> _members = [];
    private readonly List<string> _doubleWriters = [];
    private readonly string _postgres;
    private Task _watching = Task.CompletedTask;

    private RunningCluster(string postgres) => _postgres = postgres;

    public ScriptedDevice Production { get; } = new(new DeviceId("prod-1"), new SiteId("production"), "127.0.0.1:1");

    public ScriptedDevice Backup { get; } = new(new DeviceId("back-1"), new SiteId("backup"), "127.0.0.1:2");

    public List<FleetKiosk> Kiosks { get; } = [];

    public List<SiloProcess> Silos { get; } = [];

    /// <summary>The lines between the silos and the database, in the silos' order; empty when they connect directly.</summary>
    public List<CutProxy> Lines { get; } = [];

    public BrokerAddress Broker => _broker.Address;

    public string Postgres => _postgres;

    public string ConfigPath => Path.Combine(_folder, "silo.yaml");

    public string Log => string.Join("\n", Silos.Select(s => s.Log));

    /// <param name="postgres">Where the database is; for judging, directly.</param>
    /// <param name="lineTo">The server's port when every silo is to have a line of its own to it.</param>
    /// <param name="program">The <c>dr-silo</c> of each silo; the present build when it says null.</param>
    public static async Task<RunningCluster> StartAsync(string postgres, int count, int? lineTo = null, Func<int, string?>? program = null, Func<int, string[]>? more = null)
    {
        var cluster = new RunningCluster(postgres);
        try
        {
            await cluster.StartAsync(count, lineTo, program ?? (_ => null), more ?? (_ => []));
            return cluster;
        }
        catch (Exception)
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Until the system is protected, with a lease, and every kiosk was heard.</summary>
    public async Task ProtectAsync()
    {
        await UntilAsync("the volume to be made", () => Task.FromResult(Production.Role == VolumeRole.Primary), StartLimit);
        Production.Runs = true;
        await PhaseAsync(Phase.Protected);
        await UntilAsync("production to have its lease", () => Task.FromResult(Production.MayWrite), StartLimit);
        await UntilAsync("every kiosk to be heard", () => Task.FromResult(Kiosks.TrueForAll(k => k.Acknowledged > 0)), StartLimit);
    }

    public Task PhaseAsync(Phase phase, TimeSpan? within = null) =>
        UntilAsync($"the system to be {phase}", async () => await SystemAsync() is { } view && view.Phase == phase.ToString(), within ?? StartLimit);

    /// <summary>The silo on which the system's grain is, so that a fault there is felt; and another.</summary>
    public (SiloProcess Holder, SiloProcess Other) Holder()
    {
        var holder = Silos.MaxBy(s => s.LastLogged($"System {System} taken up"), StringComparer.Ordinal)!;
        return (holder, Silos.First(s => s != holder));
    }

    public Task<SystemView?> SystemAsync() => AnyAsync<SystemView>($"/api/v1/systems/{System}");

    /// <summary>From whichever silo answers.</summary>
    public async Task<T?> AnyAsync<T>(string path)
        where T : class
    {
        foreach (var silo in Silos.Where(s => s.IsRunning))
        {
            if (await silo.TryGetAsync<T>(path) is { } answer)
            {
                return answer;
            }
        }

        return null;
    }

    /// <summary>An order, given again with its key until a silo takes it: null. Else what was said last.</summary>
    public async Task<string?> PostAsync(string path, Epoch seen, object body)
    {
        string? said = "no silo runs";
        for (var watch = Stopwatch.StartNew(); said is not null && watch.Elapsed < StartLimit; await Task.Delay(200))
        {
            foreach (var silo in Silos.Where(s => s.IsRunning))
            {
                said = await silo.PostAsync(path, seen.Value, body);
                if (said is null)
                {
                    return null;
                }
            }
        }

        return said;
    }

    /// <summary>The time until <paramref name="silo"/> has an answer of every device, system and volume, and every kiosk has had an acknowledgement of rows that it sent after the call.</summary>
    public async Task<TimeSpan> AnswersAgainAsync(SiloProcess silo, TimeSpan within)
    {
        var watch = Stopwatch.StartNew();
        var before = Kiosks.ToDictionary(k => k.Id, k => k.Acknowledged);
        TimeSpan? read = null;
        await UntilAsync(
            "every grain to answer and every kiosk to be acknowledged",
            async () =>
            {
                read ??= await silo.TryGetAsync<List<DeviceView>>("/api/v1/devices") is { Count: KioskCount + 2 } && await silo.TryGetAsync<SystemView>($"/api/v1/systems/{System}") is not null
                    && await silo.TryGetAsync<VolumeView>($"/api/v1/volumes/{System}") is not null
                    ? watch.Elapsed
                    : null;
                // More than what was under way at the call.
                return read is not null && Kiosks.TrueForAll(k => k.Acknowledged >= before[k.Id] + 10);
            },
            within);
        return watch.Elapsed;
    }

    public async Task UntilAsync(string what, Func<Task<bool>> holds, TimeSpan within)
    {
        try
        {
            await Eventually.TrueAsync(what, holds, within);
        }
        catch (TimeoutException e)
        {
            var view = await SystemAsync();
            throw new TimeoutException($"{e.Message} The system: {view?.Phase}, {view?.Reason}; {string.Join(", ", view?.Conditions.Select(c => $"{c.Kind} {c.Holds} {c.Reason}") ?? [])}\n{Log}", e);
        }
    }

    /// <summary>
    /// What must hold whatever was done to the silos, the database and the lines. Waits for the last batches under way first.
    /// </summary>
    /// <param name="stepsMayFail">An attempt of a step may have failed on the way.</param>
    public async Task JudgeAsync(bool stepsMayFail = false)
    {
        await UntilAsync("one owner to serve", () => Task.FromResult(Production.MayWrite != Backup.MayWrite), StartLimit);
        _doubleWriters.ShouldBeEmpty("both sites could write");
        await using var database = new PostgresDatabase(_postgres);
        await using var connection = (NpgsqlConnection)await database.OpenAsync(CancellationToken.None);

        // The ownership record, as the database's own trigger recorded it: one owner for each epoch, epochs only grow, and the site changes only with the epoch.
        var history = await OwnershipHistory.ReadAsync(connection, CancellationToken.None);
        history.ShouldNotBeEmpty();
        OwnershipHistory.Faults(history).ShouldBeEmpty();

        // Every effect once: a device executes an id once, and no decision was made twice under another id.
        foreach (var device in new[] { Production, Backup })
        {
            device.Executed.Select(c => c.Id).ShouldBeUnique();
            device.Executed.OfType<PromoteVolume>().Select(c => c.Epoch).ShouldBeUnique();
            var points = device.Executed.OfType<TakePoint>().Where(p => p.Step == "schedule").Select(p => p.IssuedAt).Order().ToArray();
            points.Zip(points.Skip(1), (a, b) => b - a).ShouldAllBe(gap => gap >= PointPeriod - TimeSpan.FromSeconds(1));
        }

        // Every acknowledged row is there, once, in order, and nothing had to be set aside.
        foreach (var kiosk in Kiosks)
        {
            var acknowledged = kiosk.Acknowledged;
            var rows = await ReadAsync(connection, $"select sequence || '=' || key from dr_row where device = '{kiosk.Id}' order by sequence");
            rows.Count.ShouldBeGreaterThanOrEqualTo((int)acknowledged, kiosk.Id.Value);
            rows.ShouldBe(Enumerable.Range(1, rows.Count).Select(i => $"{i}={i}"));
        }

        (await ReadAsync(connection, "select reason from dr_dead_letter")).ShouldBeEmpty();
        (await new AuditLog(database).FirstBrokenAsync(CancellationToken.None)).ShouldBeNull("the audit's chain is broken");
        (stepsMayFail ? [] : await ReadAsync(connection, "select run || ' ' || step || ' ' || state from dr_run_step where state = 'Failed'")).ShouldBeEmpty();
    }

    public static readonly TimeSpan PointPeriod = TimeSpan.FromSeconds(5);

    public async ValueTask DisposeAsync()
    {
        await CleanUp.AllAsync(
        [
            _stop.CancelAsync,
            () => _watching,
            .. CleanUp.Of(Silos.Cast<IAsyncDisposable>().Concat(Kiosks).Concat(_members).Concat(Lines).Append(_broker)),
            () => Task.Run(_stop.Dispose),
            () => Task.Run(() => Directory.Delete(_folder, recursive: true)),
        ]);
    }

    private static async Task<List<string>> ReadAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync();
        List<string> rows = [];
        while (await reader.ReadAsync())
        {
            rows.Add(reader.GetString(0));
        }

        return rows;
    }

    private async Task StartAsync(int count, int? lineTo, Func<int, string?> program, Func<int, string[]> more)
    {
        await _broker.StartAsync();
        await File.WriteAllTextAsync(ConfigPath, Config());
        for (var i = 0; i < count; i++)
        {
            var postgres = _postgres;
            if (lineTo is { } port)
            {
                Lines.Add(new CutProxy(new BrokerAddress("127.0.0.1", port)));
                postgres = new NpgsqlConnectionStringBuilder(_postgres) { Port = Lines[i].Address.Port }.ToString();
            }

            Silos.Add(new SiloProcess($"silo-{i + 1}", postgres, $"{Broker.Host}:{Broker.Port}", ConfigPath, program(i), more(i)));
        }

        // At once, as after a power cut: the migrations are applied by one of them.
        await Task.WhenAll(Silos.Select(s => s.StartAsync()));
        await RecordOwnershipAsync();
        (Production.Peer, Backup.Peer) = (Backup, Production);
        _members.AddRange([new FleetMember(Broker, Production, System), new FleetMember(Broker, Backup, System)]);
        Kiosks.AddRange(Enumerable.Range(1, KioskCount).Select(i => new FleetKiosk(Broker, new DeviceId($"kiosk-{i}"), System, () => Production is { IsOn: true, Runs: true } || Backup is { IsOn: true, Runs: true })));
        _members.ForEach(m => m.Start());
        Kiosks.ForEach(k => k.Start());
        _watching = WatchAsync();
    }

    private async Task RecordOwnershipAsync()
    {
        await using var database = new PostgresDatabase(_postgres);
        await using var connection = (NpgsqlConnection)await database.OpenAsync(CancellationToken.None);
        await OwnershipHistory.InstallAsync(connection, CancellationToken.None);
    }

    private async Task WatchAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            // The first is asked twice: between two looks a lease may have lapsed and the other side have been promoted, when this thread had to wait.
            if (Production.MayWrite && Backup.MayWrite && Production.MayWrite)
            {
                _doubleWriters.Add($"{DateTimeOffset.UtcNow:O}");
            }

            await Task.Delay(5, CancellationToken.None);
        }
    }

    private static string Config()
    {
        var text = new StringBuilder(
            $$"""
            sites: [{id: production}, {id: backup}, {id: street}]
            systems:
              - id: {{System}}
                class: T
                home: production
                volume: {{System}}
                size: 1MiB
                hosts: {production: prod-1, backup: back-1}
                appliances: {production: prod-1, backup: back-1}
                replication: {production: "127.0.0.1:1", backup: "127.0.0.1:2"}
                leaseTtl: 6s
                points: {{PointPeriod.TotalSeconds}}s
            devices:
              - {id: prod-1, site: production, roles: [appliance, host]}
              - {id: back-1, site: backup, roles: [appliance, host]}

            """);
        for (var i = 1; i <= KioskCount; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"  - {{id: kiosk-{i}, site: street, roles: [kiosk]}}\n");
        }

        return text.ToString();
    }
}
