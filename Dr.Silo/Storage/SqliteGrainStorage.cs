using System.Globalization;
using Dapper;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Storage;

namespace Dr.Silo.Storage;

/// <summary>
/// Grain state on SQLite, in the table and with the rows of Orleans' ADO.NET provider, which PostgreSQL goes on using. That one opens a connection and waits for the file's lock at every write, on a
/// thread of its own each; here all writes of a process share their commits (<see cref="GroupCommit"/>), and a start with 50 000 devices takes seconds.
/// </summary>
internal sealed class SqliteGrainStorage(Database database, IGrainStorageSerializer serializer, IOptions<ClusterOptions> cluster) : IGrainStorage
{
    private const string Key = "service = @Service and grain_type = @Type and id_high = 0 and id_low = 0 and id_text = @Id";

    public async Task ReadStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        ArgumentNullException.ThrowIfNull(grainState);
        await using var connection = await database.OpenAsync(CancellationToken.None);
        var row = await connection.QuerySingleOrDefaultAsync<Row>($"select payload as Payload, version as Version from orleans_state where {Key}", Of(stateName, grainId));
        grainState.ETag = row?.Version.ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = row?.Payload is not null;
        if (row?.Payload is { } payload)
        {
            grainState.State = serializer.Deserialize<T>(new BinaryData(payload));
        }
    }

    public Task WriteStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        ArgumentNullException.ThrowIfNull(grainState);

        // Here, where the grain stands still, and not where the commits run.
        return ChangeAsync(stateName, grainId, grainState, serializer.Serialize(grainState.State).ToArray(), exists: true);
    }

    public Task ClearStateAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState)
    {
        ArgumentNullException.ThrowIfNull(grainState);
        return ChangeAsync(stateName, grainId, grainState, null, exists: false);
    }

    private async Task ChangeAsync<T>(string stateName, GrainId grainId, IGrainState<T> grainState, byte[]? payload, bool exists)
    {
        var known = grainState.ETag is { } etag ? long.Parse(etag, CultureInfo.InvariantCulture) : (long?)null;
        var key = Of(stateName, grainId);
        var changed = await database.WriteAsync(
            (connection, transaction) => connection.ExecuteAsync(
                known is null
                    ? "insert into orleans_state (service, grain_type, id_high, id_low, id_text, payload, version) values (@Service, @Type, 0, 0, @Id, @Payload, 1) on conflict do nothing"
                    : $"update orleans_state set payload = @Payload, version = version + 1 where {Key} and version = @Known",
                new { key.Service, key.Type, key.Id, Payload = payload, Known = known },
                transaction),
            CancellationToken.None);
        if (changed == 0)
        {
            throw new InconsistentStateException($"{stateName} of {grainId} is not at version {known?.ToString(CultureInfo.InvariantCulture) ?? "none"} any more: another activation has written it.");
        }

        grainState.ETag = ((known ?? 0) + 1).ToString(CultureInfo.InvariantCulture);
        grainState.RecordExists = exists;
    }

    private StateKey Of(string stateName, GrainId grainId) => new(cluster.Value.ServiceId, stateName, grainId.Key.ToString()!);

    private sealed record StateKey(string Service, string Type, string Id);

    private sealed record Row
    {
        public byte[]? Payload { get; init; }

        public long Version { get; init; }
    }
}
