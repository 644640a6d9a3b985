using System.Data.Common;
using System.Text.Json;
using Dapper;
using Dr.Silo.Ingress;

namespace Dr.Silo.Storage;

/// <summary>Rows of devices, exactly once and in order: <see cref="LaneCommit"/> says what a batch changes, one transaction does it.</summary>
internal sealed partial class DataSink(Database database, TimeProvider time, ILogger<DataSink> logger) : IDataSink
{
    private const string Lost = "lost";
    private const int LongestKind = 128;

    public async Task<long> CommitAsync(DeviceId device, DataBatch batch, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Rows.Count == 0)
        {
            return await HighWaterAsync(device, batch, cancellationToken);
        }

        return await database.WriteAsync(
            async (connection, transaction) =>
            {
                // Two deliveries of one batch must not both find it missing.
                await database.LockAsync(connection, transaction, $"dr.lane.{device}.{batch.Stream:N}.{batch.Lane}", cancellationToken);
                var highWater = await HighWaterAsync(connection, transaction, device, batch);
                var plan = LaneCommit.Plan(highWater, batch);
                if (plan.ChangesNothing(batch.Rows.Count))
                {
                    return plan.HighWater;
                }

                if (plan.LostFrom > 0)
                {
                    LogLost(device, batch.Stream, batch.Lane, plan.LostFrom, batch.First - 1);
                    await SetAsideAsync(connection, transaction, device, batch, plan.LostFrom, new DataRow { Kind = Lost, At = time.GetUtcNow(), Body = "{}" },
                        $"Rows {plan.LostFrom} to {batch.First - 1} were acknowledged by a control plane whose storage is gone.");
                }

                for (var i = plan.Skip; i < batch.Rows.Count; i++)
                {
                    await TakeAsync(connection, transaction, device, batch, batch.First + i, batch.Rows[i]);
                }

                await connection.ExecuteAsync(
                    """
                    insert into dr_high_water (device, stream, lane, sequence) values (@Device, @Stream, @Lane, @Sequence)
                    on conflict (device, stream, lane) do update set sequence = excluded.sequence
                    """,
                    new { Device = device.Value, Stream = batch.Stream.ToString("N"), batch.Lane, Sequence = plan.HighWater },
                    transaction);
                return plan.HighWater;
            },
            cancellationToken);
    }

    /// <summary>Why a row cannot be kept as it is; null when it can.</summary>
    internal static string? RefusalOf(DataRow row)
    {
        if (string.IsNullOrWhiteSpace(row.Kind) || row.Kind.Length > LongestKind)
        {
            return "It does not say what it is.";
        }

        if (row.Kind.Contains('\0', StringComparison.Ordinal) || row.Key?.Contains('\0', StringComparison.Ordinal) == true || row.Body.Contains('\0', StringComparison.Ordinal))
        {
            return "It has a zero character, which no database text takes.";
        }

        try
        {
            using var parsed = JsonDocument.Parse(row.Body);
            return null;
        }
        catch (JsonException e)
        {
            return $"Its body is not JSON: {e.Message}";
        }
    }

    private async Task TakeAsync(DbConnection connection, DbTransaction transaction, DeviceId device, DataBatch batch, long sequence, DataRow row)
    {
        if (row.Kind == DataRow.Superseded)
        {
            return;
        }

        if (RefusalOf(row) is { } refusal)
        {
            await SetAsideAsync(connection, transaction, device, batch, sequence, row, refusal);
            return;
        }

        var inserted = await connection.ExecuteAsync(
            """
            insert into dr_row (device, stream, lane, sequence, kind, key, at, body, received_at)
            values (@Device, @Stream, @Lane, @Sequence, @Kind, @Key, @At, @Body, @Now) on conflict do nothing
            """,
            Parameters(device, batch, sequence, row, null),
            transaction);
        if (inserted == 0)
        {
            // The device gave the same business transaction a second time, in another row or another stream.
            await SetAsideAsync(connection, transaction, device, batch, sequence, row, $"The key {row.Key} was taken before.");
        }
    }

    private Task<int> SetAsideAsync(DbConnection connection, DbTransaction transaction, DeviceId device, DataBatch batch, long sequence, DataRow row, string reason) =>
        connection.ExecuteAsync(
            """
            insert into dr_dead_letter (device, stream, lane, sequence, reason, kind, key, at, body, received_at)
            values (@Device, @Stream, @Lane, @Sequence, @Reason, @Kind, @Key, @At, @Body, @Now) on conflict do nothing
            """,
            Parameters(device, batch, sequence, row with { Kind = Clean(row.Kind), Key = row.Key is null ? null : Clean(row.Key), Body = Clean(row.Body) }, reason),
            transaction);

    private object Parameters(DeviceId device, DataBatch batch, long sequence, DataRow row, string? reason) => new
    {
        Device = device.Value,
        Stream = batch.Stream.ToString("N"),
        batch.Lane,
        Sequence = sequence,
        row.Kind,
        row.Key,
        At = row.At.ToStore(),
        row.Body,
        Reason = reason,
        Now = time.GetUtcNow().ToStore(),
    };

    private static string Clean(string text) => text.Replace("\0", "\uFFFD", StringComparison.Ordinal);

    private async Task<long> HighWaterAsync(DeviceId device, DataBatch batch, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await HighWaterAsync(connection, null, device, batch);
    }

    private static async Task<long> HighWaterAsync(DbConnection connection, DbTransaction? transaction, DeviceId device, DataBatch batch) =>
        await connection.ExecuteScalarAsync<long?>(
            "select sequence from dr_high_water where device = @Device and stream = @Stream and lane = @Lane",
            new { Device = device.Value, Stream = batch.Stream.ToString("N"), batch.Lane },
            transaction) ?? 0;

    [LoggerMessage(3701, LogLevel.Error, "Device {DeviceId}, stream {Stream}, lane {Lane}: rows {First} to {Last} were acknowledged before and are not here; recorded as lost")]
    private partial void LogLost(DeviceId deviceId, Guid stream, int lane, long first, long last);
}
