using System.Text.Json;
using Dapper;
using Dr.Contracts.Grains;

namespace Dr.Silo.Storage;

/// <summary>Evidence bundles as they were at the moment of each finding. Written once, never changed; the oldest are pruned.</summary>
public sealed class EvidenceStore(Database database)
{
    /// <summary>Years of suspicions; a bundle has a few kilobytes.</summary>
    public const int Kept = 10_000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() } };

    /// <summary>Durable on return; the same id again changes nothing.</summary>
    public Task<int> AddAsync(EvidenceBundle bundle, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        return database.WriteAsync(
            async (connection, transaction) =>
            {
                var written = await connection.ExecuteAsync(
                    "insert into dr_evidence (id, system, at, scope, body) values (@Id, @System, @At, @Scope, @Body) on conflict (id) do nothing",
                    new { bundle.Id, System = bundle.System.Value, At = bundle.At.ToStore(), bundle.Scope, Body = JsonSerializer.Serialize(bundle, Json) },
                    transaction);
                await connection.ExecuteAsync("delete from dr_evidence where at < (select min(at) from (select at from dr_evidence order by at desc limit @Kept) newest)", new { Kept }, transaction);
                return written;
            },
            cancellationToken);
    }

    /// <summary>Newest first; of one system if given.</summary>
    public async Task<IReadOnlyList<EvidenceBundle>> ListAsync(string? system, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var filter = system is null ? "" : " where system = @System";
        var rows = await connection.QueryAsync<string>($"select body from dr_evidence{filter} order by at desc, id desc limit @Limit", new { System = system, Limit = limit });
        return [.. rows.Select(Read)];
    }

    /// <summary>Null when there is none of this id.</summary>
    public async Task<EvidenceBundle?> FindAsync(string id, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<string>("select body from dr_evidence where id = @Id", new { Id = id }) is { } body ? Read(body) : null;
    }

    private static EvidenceBundle Read(string body) => JsonSerializer.Deserialize<EvidenceBundle>(body, Json)!;
}
