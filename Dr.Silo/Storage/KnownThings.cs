using Dapper;

namespace Dr.Silo.Storage;

public enum ThingKind
{
    System,
    Device,
    Volume,
    Site,
}

/// <summary>What there is, by id: so that lists can be made and everything can be woken after a restart.</summary>
public sealed class KnownThings(Database database)
{
    public Task AddAsync(ThingKind kind, string id, string site, CancellationToken cancellationToken) => AddAsync(kind, [(id, site)], cancellationToken);

    /// <summary>Many at once, in one commit: all of them or none.</summary>
    public Task AddAsync(ThingKind kind, IReadOnlyCollection<(string Id, string Site)> things, CancellationToken cancellationToken) => database.WriteAsync(
        (connection, transaction) => connection.ExecuteAsync(
            "insert into dr_known (kind, id, site) values (@Kind, @Id, @Site) on conflict (kind, id) do update set site = excluded.site",
            things.Select(t => new { Kind = kind.ToString(), t.Id, t.Site }),
            transaction),
        cancellationToken);

    public async Task<IReadOnlyList<string>> ListAsync(ThingKind kind, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return [.. await connection.QueryAsync<string>("select id from dr_known where kind = @Kind order by id", new { Kind = kind.ToString() })];
    }
}
