using Dr.Edge.Host.Components;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Recovery;

/// <summary>What a table holds.</summary>
/// <param name="Digest">Equal for equal rows in any order.</param>
internal sealed record TableContent(string Name, long Rows, long Bytes, string Digest);

/// <summary>What the recovery of tables has to know of one kind of database. The connections are the driver's: of the original, or of the database on the clone.</summary>
internal interface IRecoveryTools
{
    /// <summary>Databases of the server that hold anybody's tables.</summary>
    Task<IReadOnlyList<string>> DatabasesAsync(IComponentDriver server, CancellationToken cancellationToken);

    Task<IReadOnlyList<string>> TablesAsync(IComponentDriver server, string database, CancellationToken cancellationToken);

    /// <summary>On the clone: moves the tables into a schema of their own, without what ties them to others (foreign keys, triggers), and measures them.</summary>
    /// <exception cref="DrException">One of them is not there.</exception>
    Task<IReadOnlyList<TableContent>> IsolateAsync(IComponentDriver clone, string database, IReadOnlyList<string> tables, string schema, CancellationToken cancellationToken);

    Task CreateSchemaAsync(IComponentDriver original, string database, string schema, CancellationToken cancellationToken);

    ProgramCall Dump(IComponentDriver clone, string database, string schema);

    ProgramCall Load(IComponentDriver original, string database, string schema);

    Task<TableContent> MeasureAsync(IComponentDriver server, string database, string schema, string table, CancellationToken cancellationToken);

    /// <summary>
    /// Makes the rows of the tables in use equal to those in <paramref name="source"/>, in one transaction that is checked before it commits.
    /// </summary>
    /// <param name="before">A schema to keep the rows in that were there before; null = they are not kept.</param>
    /// <returns>How many rows each had before.</returns>
    Task<IReadOnlyList<long>> ReplaceAsync(IComponentDriver original, string database, string source, string? before, IReadOnlyList<string> tables, CancellationToken cancellationToken);

    /// <summary>Whether a replacement that kept the rows of before in <paramref name="before"/> has committed, whoever was there to see it.</summary>
    Task<bool> IsReplacedAsync(IComponentDriver original, string database, string before, CancellationToken cancellationToken);

    /// <summary>Takes schemas of a recovery away; those that are not there are no fault.</summary>
    Task DropAsync(IComponentDriver original, string database, IReadOnlyList<string> schemas, CancellationToken cancellationToken);

    /// <summary>The database's own checks of everything in it. Returns in a few words what was looked at.</summary>
    /// <exception cref="DrException">They found damage.</exception>
    Task<string> CheckAsync(IComponentDriver server, CancellationToken cancellationToken);

    /// <summary>What can only be checked while the server is stopped; null when there is nothing.</summary>
    Task<string?> CheckStoppedAsync(IComponentDriver server, CancellationToken cancellationToken);
}

internal static class RecoveryTools
{
    public static IRecoveryTools Of(IComponentDriver driver) => driver.Options.Kind switch
    {
        ComponentOptions.PostgreSqlKind => new PostgreSqlTools(),
        ComponentOptions.MariaDbKind => new MariaDbTools(),
        _ => throw new DrException($"{driver.Options.Name} is no database that tables can be recovered of.", "It has to be a component of kind postgresql or mariadb."),
    };
}
