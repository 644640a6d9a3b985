using System.Data.Common;
using Dr.Edge.Host.Config;
using MySqlConnector;
using Npgsql;

namespace Dr.Edge.Host.Checks;

/// <summary>Asks a database one statement over a connection of its own: one out of a pool proves nothing about new ones.</summary>
internal static class SqlCheck
{
    public static async Task RunAsync(string kind, string connection, string statement, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var seconds = Math.Max(1, (int)timeout.TotalSeconds);
        await using DbConnection session = kind == ComponentOptions.MariaDbKind
            ? new MySqlConnection(new MySqlConnectionStringBuilder(connection) { Pooling = false, ConnectionTimeout = (uint)seconds, DefaultCommandTimeout = (uint)seconds }.ConnectionString)
            : new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connection) { Pooling = false, Timeout = seconds, CommandTimeout = seconds }.ConnectionString);
        await session.OpenAsync(cancellationToken);
        await using var command = session.CreateCommand();
        command.CommandText = statement;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
