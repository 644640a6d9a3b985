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
    public async Task AddAsync(ThingKind kind, string id, string site, CancellationToken cancellationToken) => await database.WriteAsync(
        (connection, transaction) => connection.ExecuteAsync(
            "insert into dr_known (kind, id, site) values (@Kind, @Id, @Site) on conflict (kind, id) do update set site = excluded.site",
            new { Kind = kind.ToString(), Id = id, Site = site },
            transaction),
        cancellationToken);

    public async Task<IReadOnlyList<string>> ListAsync(ThingKind kind, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return [.. await connection.QueryAsync<string>("select id from dr_known where kind = @Kind order by id", new { Kind = kind.ToString() })];
    }
}
