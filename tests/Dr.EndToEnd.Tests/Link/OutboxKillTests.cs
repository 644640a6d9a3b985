using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>
/// A kiosk's transactions while <c>kill -9</c> strikes edge, Mosquitto and silo, in real processes: each that was answered is in the control plane's database once, in the order of the lane. <c>DR_OUTBOX_KILLS=N</c> runs it with N kills,
/// some three seconds each; <c>DR_OUTBOX_SEED</c> chooses others.
/// </summary>
[Collection(nameof(LinkCollection))]
public sealed class OutboxKillTests(ITestOutputHelper output) : IAsyncDisposable
{
    private static readonly int Kills = Read("DR_OUTBOX_KILLS", 0);
    private static readonly int Seed = Read("DR_OUTBOX_SEED", 1);
    private static readonly TimeSpan DeliveredWithin = TimeSpan.FromMinutes(2);
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-outbox-kills-").FullName;
    private readonly Mosquitto _broker = new();
    private readonly string _kiosk = FreePorts.NextAddress();
    private ReadyProcess? _silo;
    private ReadyProcess? _edge;

    [Fact]
    public async Task Every_answered_transaction_arrives_once_and_in_order_whoever_is_killed()
    {
        Assert.SkipUnless(Kills > 0, "DR_OUTBOX_KILLS=N runs it with N kills, some three seconds each");
        await StartAsync();
        using var stop = new CancellationTokenSource();
        var submitting = SubmitAsync(stop.Token);
        var random = new Random(Seed);
        var killed = new Dictionary<string, int>(StringComparer.Ordinal) { ["edge"] = 0, ["broker"] = 0, ["silo"] = 0 };
        for (var kill = 0; kill < Kills; kill++)
        {
            await Task.Delay(random.Next(3000));
            var who = killed.Keys.ElementAt(random.Next(3));
            killed[who]++;
            await (who switch { "edge" => _edge!.KillAsync(), "silo" => _silo!.KillAsync(), _ => _broker.KillAsync() });
            await Task.Delay(random.Next(300));
            await (who switch { "edge" => _edge!.StartAsync(), "silo" => _silo!.StartAsync(), _ => _broker.StartAsync() });
        }

        await stop.CancelAsync();
        var answered = await submitting;
        var start = Stopwatch.GetTimestamp();
        await Until.TrueAsync($"all {answered} transactions are committed", async () => await CountAsync() >= answered, DeliveredWithin);
        output.WriteLine($"{Kills} kills ({string.Join(", ", killed.Select(k => $"{k.Value} {k.Key}"))}), seed {Seed}: {answered} transactions answered, all there {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s after the last kill");
        await CheckAsync(answered);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in new[] { _edge, _silo }.OfType<ReadyProcess>())
        {
            await process.DisposeAsync();
        }

        await _broker.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_folder, recursive: true);
    }

    private static int Read(string variable, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var value) ? value : otherwise;

    private async Task StartAsync()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "silo.yaml"), "sites:\n  - id: street\ndevices:\n  - id: kiosk-1\n    site: street\n    roles: [kiosk]\n    busyPeriod: 1s\n    idlePeriod: 1s\n");
        await File.WriteAllTextAsync(Path.Combine(_folder, "edge.yaml"), $"device: kiosk-1\nsite: street\nroles: [kiosk]\nbrokers: ['{_broker.Address}']\nkiosk:\n  listen: {_kiosk}\n");
        await _broker.StartAsync();
        _silo = new ReadyProcess(
            Repository.Program("Dr.Silo", "dr-silo"), "run", "--data", Path.Combine(_folder, "silo"), "--http", FreePorts.NextAddress(), "--broker", _broker.Address.ToString(), "--config", Path.Combine(_folder, "silo.yaml"));
        _edge = new ReadyProcess(EdgeProcess.Program, "run", "--data", Path.Combine(_folder, "edge"), "--control", Path.Combine(_folder, "control.sock"), "--config", Path.Combine(_folder, "edge.yaml"));
        await Task.WhenAll(_silo.StartAsync(), _edge.StartAsync());
    }

    /// <summary>One transaction after the other, each until it is answered: the same id again is the same transaction. How many were answered.</summary>
    private async Task<long> SubmitAsync(CancellationToken stop)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(5) };
        var answered = 0L;
        while (!stop.IsCancellationRequested)
        {
            using var transaction = new StringContent(string.Create(CultureInfo.InvariantCulture, $$"""{"id":"t{{answered}}","kind":"borrow","card":"2100001","item":"{{answered}}"}"""));
            try
            {
                using var answer = await http.PostAsync(new Uri($"http://{_kiosk}/transactions"), transaction, CancellationToken.None);
                if (answer.IsSuccessStatusCode)
                {
                    answered++;
                    await Task.Delay(5, CancellationToken.None);
                    continue;
                }
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException)
            {
                // Killed before it answered: whether it is stored, nobody knows.
            }

            await Task.Delay(20, CancellationToken.None);
        }

        return answered;
    }

    private async Task<long> CountAsync()
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "select count(*) from dr_row where device = 'kiosk-1' and lane = 0";
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private async Task CheckAsync(long answered)
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "select key, sequence, (select count(distinct stream) from dr_row), (select count(*) from dr_dead_letter) from dr_row where device = 'kiosk-1' and lane = 0 order by rowid";
        await using var reader = await command.ExecuteReaderAsync();
        var expected = 0L;
        while (await reader.ReadAsync())
        {
            // In the order in which they were committed. One more than was answered may be there: the last one, whose answer was lost.
            reader.GetString(0).ShouldBe(string.Create(CultureInfo.InvariantCulture, $"t{expected}"));
            reader.GetInt64(1).ShouldBe(++expected, "the lane's sequence has no gap");
            (reader.GetInt64(2), reader.GetInt64(3)).ShouldBe((1L, 0L), "streams and dead letters");
        }

        expected.ShouldBeInRange(answered, answered + 1);
    }

    private async Task<SqliteConnection> OpenAsync()
    {
        var connection = new SqliteConnection($"Data Source={Path.Combine(_folder, "silo", "silo.db")};Mode=ReadOnly;Default Timeout=20");
        await connection.OpenAsync();
        return connection;
    }
}
