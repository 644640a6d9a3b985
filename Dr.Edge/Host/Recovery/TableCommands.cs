using System.CommandLine;
using Dr.Edge.Cli;
using Spectre.Console;

namespace Dr.Edge.Host.Recovery;

/// <summary><c>dr-edge table list | recover | undo</c>.</summary>
internal static class TableCommands
{
    public static Command Create() => new("table", "Tables of a business system's database, as they were at a point.") { List(), Recover(), Undo() };

    private static Argument<string> SystemArgument() => new("SYSTEM") { Description = "The system's id in the configuration." };

    private static Option<string?> ComponentOption() => new("--component") { Description = "The database component, when the system has several.", HelpName = "NAME" };

    private static Option<string?> DatabaseOption() => new("--database") { Description = "The database in the server, when there are several.", HelpName = "NAME" };

    private static Command List()
    {
        var system = SystemArgument();
        var component = ComponentOption();
        var database = DatabaseOption();
        return CommandShell.Remote("list", "The tables that are there now, and the recoveries so far.", [system, component, database], async context =>
        {
            List<string> query = [];
            if (context.Get(component) is { } c)
            {
                query.Add($"component={Uri.EscapeDataString(c)}");
            }

            if (context.Get(database) is { } d)
            {
                query.Add($"database={Uri.EscapeDataString(d)}");
            }

            var listing = await context.Client.GetAsync<TableListing>($"systems/{ControlPath.Segment(context.Get(system))}/tables?{string.Join('&', query)}", context.CancellationToken);
            if (context.Json)
            {
                CommandShell.PrintJson(listing);
                return ProgramShell.Done;
            }

            foreach (var name in listing.Tables)
            {
                Console.Out.WriteLine(name);
            }

            if (listing.Recoveries.Count > 0)
            {
                var table = new Table().AddColumns("recovery", "state", "from", "tables", "where");
                foreach (var record in listing.Recoveries)
                {
                    table.AddRow(record.Id, $"{record.State}", Markup.Escape(record.At), Markup.Escape(string.Join(", ", record.Tables.Select(t => $"{t.Name} ({t.Rows})"))), Markup.Escape(Where(record)));
                }

                AnsiConsole.Write(table);
            }

            return ProgramShell.Done;
        });
    }

    private static Command Recover()
    {
        var system = SystemArgument();
        var at = new Option<string?>("--at") { Description = "The point's id or label, or a time (2026-11-28T09:30Z, -30m).", HelpName = "POINT|TIME" };
        var clone = new Option<string?>("--clone") { Description = "A clone that is there already, instead of --at.", HelpName = "CLONE" };
        var tables = new Option<string[]>("--table") { Description = "A table (public.loan; in MariaDB loan); may be given several times.", HelpName = "TABLE", AllowMultipleArgumentsPerToken = true };
        var all = new Option<bool>("--all-tables") { Description = "Every table of the database, beside those in use." };
        var replace = new Option<bool>("--replace") { Description = "Put the rows in place of those in use, in one transaction; the rows of now are kept for 'table undo'. Without it the tables are only put beside them." };
        var component = ComponentOption();
        var database = DatabaseOption();
        return CommandShell.Remote(
            "recover",
            "Bring tables back as they were: opens the point as a clone, starts the database on it, exports the tables, imports them beside those in use, compares, and on request puts them in place. Ctrl-C takes everything back.",
            [system, at, clone, tables, all, replace, component, database],
            async context =>
            {
                var request = new RecoveryRequest(context.Get(at), context.Get(clone), context.Get(component), context.Get(database), context.Get(tables) ?? [], context.Get(all), context.Get(replace));
                var record = await RecoveryProgress.RunAsync<RecoveryRecord>(context, $"systems/{ControlPath.Segment(context.Get(system))}/tables/recover", request);
                VolumePrinter.Print(record, context.Json, Describe(context.Get(system), record));
                return ProgramShell.Done;
            });
    }

    private static Command Undo()
    {
        var system = SystemArgument();
        var id = new Argument<string>("RECOVERY") { Description = "Its id, as 'table list' shows it." };
        return CommandShell.Remote("undo", "Undo a recovery: the rows that it replaced come back as they were then, and the recovered tables go.", [system, id], async context =>
        {
            var record = await RecoveryProgress.RunAsync<RecoveryRecord>(context, $"systems/{ControlPath.Segment(context.Get(system))}/tables/undo/{ControlPath.Segment(context.Get(id))}", null);
            VolumePrinter.Print(record, context.Json, $"{record.Id} undone");
            return ProgramShell.Done;
        });
    }

    private static string Where(RecoveryRecord record) => record.State != RecoveryState.Done ? record.Reason ?? "" : record.Replaces ? $"in use; as they were before: {record.Before}" : record.Recovered;

    private static string Describe(string system, RecoveryRecord record)
    {
        var lines = record.Tables.Select(t => record.Replaces ? $"{t.Name}: {t.Rows} rows, {t.RowsBefore} before" : $"{t.Name}: {t.Rows} rows in {record.Recovered}");
        return string.Join('\n', [.. lines, $"To undo: dr-edge table undo {system} {record.Id}"]);
    }
}
