using Npgsql;

namespace Dr.Edge.Host.Quiesce;

/// <summary>
/// PostgreSQL with its data and its log on one volume. A point of the volume is one moment of both, so recovery from it needs nothing else and no session has to wait: what is
/// done here is a checkpoint, which makes that recovery short, and then a committed mark in the log, whose commit waits until the log up to it is on the volume. Every
/// transaction that committed before the mark, also one with synchronous_commit off, is therefore in the point.
/// A checkpoint writes as fast as it can, and commits queue behind it. So what is in memory already is written out piece by piece before, and where recovery would be short anyway, none is made.
/// </summary>
/// <param name="mount">Where the volume's file system is mounted.</param>
/// <param name="checkpointAboveBytes">A point with at most this much log after the last checkpoint gets none of its own.</param>
internal sealed class PostgreSqlQuiesce(string connection, string mount, TimeSpan timeout, TimeProvider time, long checkpointAboveBytes = PostgreSqlQuiesce.ShortLogBytes) : IQuiesceProvider
{
    /// <summary>Replayed within some two seconds.</summary>
    public const long ShortLogBytes = 64L << 20;

    public async Task<IQuiesceWindow> EnterAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var session = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connection) { Pooling = false, CommandTimeout = 0 }.ConnectionString);
            await session.OpenAsync(cancellationToken);
            var behind = await LogBehindAsync(session, cancellationToken);
            if (behind > checkpointAboveBytes)
            {
                await new WriteAhead(mount, WriteAhead.BudgetOf(timeout), time).RunAsync(cancellationToken);
                await ExecuteAsync(session, "checkpoint", cancellationToken);
                behind = 0;
            }

            await ExecuteAsync(session, "begin", cancellationToken);
            await ExecuteAsync(session, "set local synchronous_commit = on", cancellationToken);
            var mark = await ScalarAsync(session, "select pg_logical_emit_message(true, 'dr.point', now()::text)::text", cancellationToken);
            await ExecuteAsync(session, "commit", cancellationToken);
            var flushed = await ScalarAsync(session, $"select pg_current_wal_flush_lsn()::text || case when pg_current_wal_flush_lsn() > '{mark}' then '' else ' behind' end", cancellationToken);
            return flushed.EndsWith(" behind", StringComparison.Ordinal)
                ? throw new DrException($"PostgreSQL says that its log is written up to {flushed}, which is before the mark at {mark}.", "Is fsync switched off? A database without it cannot be protected.")
                : new OpenWindow(QuiesceMark.Application($"postgresql: {(behind == 0 ? "checkpoint" : $"{Quantities.FormatSize(behind)} of log after a checkpoint")}, log up to {mark}"));
        }
        catch (NpgsqlException exception)
        {
            throw new DrException($"PostgreSQL could not be quiesced: {exception.Message}", "Is it running, and may the agent connect as a superuser?", exception, isTransient: true);
        }
    }

    /// <summary>Bytes of log that a recovery from this moment would read.</summary>
    private static async Task<long> LogBehindAsync(NpgsqlConnection session, CancellationToken cancellationToken) =>
        long.Parse(await ScalarAsync(session, "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), redo_lsn)::bigint::text from pg_control_checkpoint()", cancellationToken), CultureInfo.InvariantCulture);

    private static async Task ExecuteAsync(NpgsqlConnection session, string statement, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, session);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static async Task<string> ScalarAsync(NpgsqlConnection session, string statement, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, session);
        return (string)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
