using System.Diagnostics;
using System.Globalization;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>
/// A kiosk's transactions while <c>kill -9</c> strikes edge, Mosquitto and silo, in real processes: each that was answered is in the control plane's database once, in the order of the lane. <c>DR_OUTBOX_KILLS=N</c> runs it with N kills,
/// some three seconds each; <c>DR_OUTBOX_SEED</c> chooses others.
/// </summary>
[Collection(nameof(LinkCollection))]
public sealed class OutboxKillTests(ITestOutputHelper output) : IAsyncDisposable
{
    private static readonly TimeSpan DeliveredWithin = TimeSpan.FromMinutes(2);
    private readonly KillStage _stage = new();
    private readonly string _kiosk = FreePorts.NextAddress();

    [Fact]
    public async Task Every_answered_transaction_arrives_once_and_in_order_whoever_is_killed()
    {
        Assert.SkipUnless(KillStage.Kills > 0, "DR_OUTBOX_KILLS=N runs it with N kills, some three seconds each");
        await _stage.StartAsync(
            "sites:\n  - id: street\ndevices:\n  - id: kiosk-1\n    site: street\n    roles: [kiosk]\n    busyPeriod: 1s\n    idlePeriod: 1s\n",
            $"device: kiosk-1\nsite: street\nroles: [kiosk]\nkiosk:\n  listen: {_kiosk}\n");
        using var stop = new CancellationTokenSource();
        var submitting = SubmitAsync(stop.Token);
        var killed = await _stage.KillAsync();
        await stop.CancelAsync();
        var answered = await submitting;
        var start = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync($"all {answered} transactions are committed", async () => await CountAsync() >= answered, DeliveredWithin);
        output.WriteLine($"{KillStage.Kills} kills ({string.Join(", ", killed.Select(k => $"{k.Value} {k.Key}"))}), seed {KillStage.Seed}: {answered} transactions answered, all there {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s after the last kill");
        await CheckAsync(answered);
    }

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

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
        await using var connection = await _stage.OpenDatabaseAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "select count(*) from dr_row where device = 'kiosk-1' and lane = 0";
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private async Task CheckAsync(long answered)
    {
        await using var connection = await _stage.OpenDatabaseAsync();
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
}
