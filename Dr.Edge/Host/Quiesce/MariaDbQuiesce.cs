using Dr.Edge.Host.Processes;
using MySqlConnector;

namespace Dr.Edge.Host.Quiesce;

/// <summary>
/// MariaDB with all its files on one volume. First, with everybody at work, tables that keep no log are flushed, the log is written out and the file system is synced; then a backup lock holds back commits (and writes to
/// tables that keep no log) and the little that came since goes to the volume. The point is taken under the lock, so it holds every transaction that committed before it, and nothing half done of a table without a log.
/// The sync is needed: with <c>innodb_flush_log_at_trx_commit</c> other than 1 the server calls no fsync for its log even when it is told to flush it, and it never calls fsync for a MyISAM table.
/// The lock belongs to a session: the server itself ends that at the deadline, and when the agent dies.
/// </summary>
/// <param name="mount">Where the volume's file system is mounted.</param>
internal sealed class MariaDbQuiesce(string connection, string mount, TimeSpan timeout, TimeProvider time) : IQuiesceProvider
{
    private const string Name = "mariadb";

    // The agent gives up before the server does, so a point is never marked while the server ends the session.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(1);

    public async Task<IQuiesceWindow> EnterAsync(CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var session = new MySqlConnection(new MySqlConnectionStringBuilder(connection) { Pooling = false, DefaultCommandTimeout = 0 }.ConnectionString);
        try
        {
            await session.OpenAsync(cancellationToken);
            await new WriteAhead(mount, WriteAhead.BudgetOf(timeout), time).RunAsync(cancellationToken);
            var deadline = ((int)Math.Ceiling((timeout + Margin).TotalSeconds)).ToString(CultureInfo.InvariantCulture);
            await ExecuteAsync(session, $"set session lock_wait_timeout = {deadline}, session wait_timeout = {deadline}", cancellationToken);
            await ExecuteAsync(session, "backup stage start", cancellationToken);
            await ExecuteAsync(session, "backup stage flush", cancellationToken);
            var isLazy = await IsLazyAsync(session, cancellationToken);
            await WriteOutAsync(session, isLazy, cancellationToken);
            await ExecuteAsync(session, "backup stage block_ddl", cancellationToken);
            await ExecuteAsync(session, "backup stage block_commit", cancellationToken);
            var blockedAt = time.GetTimestamp();
            await WriteOutAsync(session, isLazy, cancellationToken);
            return new LockedWindow(session, this, start, blockedAt);
        }
        catch (MySqlException exception)
        {
            await session.DisposeAsync();
            throw new DrException($"MariaDB could not be quiesced: {exception.Message}", "Is it running, at version 10.4 or later, and may the agent connect with the right RELOAD?", exception, isTransient: true);
        }
        catch (Exception exception) when (exception is OperationCanceledException or DrException)
        {
            await session.DisposeAsync(); // Closing ends the session at the server, and with it every lock.
            throw;
        }
    }

    /// <summary>At 0 the server leaves its log in memory, and then "flush engine logs" does nothing at all: for that moment the setting has to be another. An agent that dies in between leaves the safer one.</summary>
    private static async Task<bool> IsLazyAsync(MySqlConnection session, CancellationToken cancellationToken)
    {
        await using var command = new MySqlCommand("select @@global.innodb_flush_log_at_trx_commit", session);
        return Convert.ToInt64(await command.ExecuteScalarAsync(cancellationToken), CultureInfo.InvariantCulture) == 0;
    }

    private async Task WriteOutAsync(MySqlConnection session, bool isLazy, CancellationToken cancellationToken)
    {
        if (isLazy)
        {
            await ExecuteAsync(session, "set global innodb_flush_log_at_trx_commit = 2", cancellationToken);
        }

        await ExecuteAsync(session, "flush engine logs", cancellationToken);
        if (isLazy)
        {
            await ExecuteAsync(session, "set global innodb_flush_log_at_trx_commit = 0", cancellationToken);
        }

        (await ProgramRunner.RunAsync("sync", ["--file-system", mount], timeout, cancellationToken)).Require($"Writing out {mount}");
    }

    private static async Task ExecuteAsync(MySqlConnection session, string statement, CancellationToken cancellationToken)
    {
        await using var command = new MySqlCommand(statement, session);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private sealed class LockedWindow(MySqlConnection session, MariaDbQuiesce owner, long start, long blockedAt) : IQuiesceWindow
    {
        public QuiesceMark Mark => owner.Elapsed(start) < owner.Timeout
            ? QuiesceMark.Application($"{Name}: commits held back, log written out, {owner.Elapsed(blockedAt).TotalMilliseconds:0} ms")
            : QuiesceMark.Crash($"{Name}: the point was not taken within {owner.Timeout.TotalSeconds:0.#} s");

        public async ValueTask DisposeAsync()
        {
            try
            {
                await ExecuteAsync(session, "backup stage end", CancellationToken.None);
            }
            catch (Exception exception) when (exception is MySqlException or IOException or System.Net.Sockets.SocketException or InvalidOperationException)
            {
                // The server has ended the session already, and the lock with it.
            }

            await session.DisposeAsync();
        }
    }

    private TimeSpan Timeout => timeout;

    private TimeSpan Elapsed(long since) => time.GetElapsedTime(since);
}
