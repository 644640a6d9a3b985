using System.Net.Sockets;
using Npgsql;

namespace Dr.Simulator.Live.Circulation;

/// <summary>
/// Readers borrow and return through one connection to the service's address, as fast as <paramref name="perSecond"/> allows. When the service goes away
/// the workload does what a desk does: it tries again until it is back, and counts how long that was.
/// </summary>
/// <param name="perSecond">Transactions per second, 1–10 000.</param>
internal sealed class CirculationWorkload(string connectionString, LedgerFile ledger, WorkloadStatusFile status, int perSecond, int seed, TimeProvider time)
{
    private static readonly TimeSpan RetryDelay = TimeSpan.FromMilliseconds(100);
    private readonly Random _random = new(seed);
    private long _lastId;
    private long _committed;
    private long _unknown;
    private long _lastAnswer;
    private TimeSpan _longestGap;

    /// <summary>Runs until cancelled. Ids go on after the ones that the ledger has already (<paramref name="lastId"/>).</summary>
    public async Task RunAsync(long lastId, CancellationToken cancellationToken)
    {
        _lastId = lastId;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await using var connection = new NpgsqlConnection(connectionString);
                await connection.OpenAsync(cancellationToken);
                await ServeAsync(connection, cancellationToken);
            }
            catch (Exception e) when (e is NpgsqlException or SocketException or IOException or TimeoutException)
            {
                status.Write(Snapshot(connected: false, e.Message));
                await Delay(RetryDelay, cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                break;
            }
        }

        status.Write(Snapshot(connected: false, "stopped"));
    }

    private async Task ServeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await CirculationDatabase.CreateAsync(connection, cancellationToken);
        var loans = await CirculationDatabase.LoansAsync(connection, cancellationToken);
        using var pace = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / perSecond), time);
        while (await pace.WaitForNextTickAsync(cancellationToken))
        {
            await OneAsync(connection, loans, cancellationToken);
            if (_committed % 20 == 0)
            {
                status.Write(Snapshot(connected: true, detail: null));
            }
        }
    }

    private async Task OneAsync(NpgsqlConnection connection, HashSet<int> loans, CancellationToken cancellationToken)
    {
        var item = _random.Next(1, CirculationDatabase.ItemCount + 1);
        var borrow = !loans.Contains(item);
        var id = ++_lastId;
        var kind = borrow ? "borrow" : "return";
        try
        {
            // Not cancelled in the middle: a stop is a clean one, so that it leaves no transaction in doubt.
            await CirculationDatabase.CommitAsync(connection, id, borrow, item, _random.Next(1, 100_000), CancellationToken.None);
        }
        catch (Exception e) when (e is NpgsqlException or SocketException or IOException or TimeoutException)
        {
            _unknown++;
            ledger.Append(new LedgerEntry(LedgerState.Unknown, id, kind, time.GetUtcNow()));
            throw;
        }

        ledger.Append(new LedgerEntry(LedgerState.Committed, id, kind, time.GetUtcNow()));
        _committed++;
        _ = borrow ? loans.Add(item) : loans.Remove(item);
        var now = time.GetTimestamp();
        if (_lastAnswer != 0 && time.GetElapsedTime(_lastAnswer, now) is var gap && gap > _longestGap)
        {
            _longestGap = gap;
        }

        _lastAnswer = now;
        cancellationToken.ThrowIfCancellationRequested();
    }

    private WorkloadStatus Snapshot(bool connected, string? detail) => new()
    {
        At = time.GetUtcNow(),
        Connected = connected,
        Committed = _committed,
        Unknown = _unknown,
        SecondsSinceLastCommit = _lastAnswer == 0 ? null : time.GetElapsedTime(_lastAnswer).TotalSeconds,
        LongestGapSeconds = _longestGap.TotalSeconds,
        Detail = detail,
    };

    private Task Delay(TimeSpan delay, CancellationToken cancellationToken) =>
        Task.Delay(delay, time, cancellationToken).ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}
