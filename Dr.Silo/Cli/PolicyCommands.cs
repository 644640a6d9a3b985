using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Contracts.Grains;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Policies;
using Spectre.Console;

namespace Dr.Silo.Cli;

/// <summary><c>dr-silo policies …</c>: the policies from the command line.</summary>
internal static class PolicyCommands
{
    public static Command Create() => new("policies", "Policies: how each system is protected, and what is promised for it.")
    {
        List(), Backups(), Export(), History(), Import(), Set(), Remove(), Calendar(),
    };

    private static Command List() => ClientCommands.Remote<PolicyView>("list", "List the policies in force.", [], [], GetAsync, PolicyTables.Policies);

    private static Command Backups() =>
        ClientCommands.Remote<PolicyView>("backups", "Show per system which backups its policy asks for, the last good one, the next, and the next drills.", [], [], GetAsync, PolicyTables.Backups);

    private static Command History() =>
        ClientCommands.Remote<PolicyView>("history", "Show who changed the policies, when and why.", [], [], GetAsync, PolicyTables.History);

    private static Command Export()
    {
        var file = new Argument<string>("FILE") { Description = "Table to write." };
        return ClientCommands.Remote<PolicyView>("export", "Write the policies in force as a table that import takes.", [file], [], async (client, parsed, cancellationToken) =>
        {
            var view = await GetAsync(client, parsed, cancellationToken);
            await File.WriteAllTextAsync(parsed.GetValue(file)!, PolicyCsv.Write(view.Book.Policies), cancellationToken);
            return view;
        }, PolicyTables.Policies);
    }

    private static Command Import()
    {
        var file = new Argument<string>("FILE") { Description = "Table of policies (backup-policies.csv)." };
        var replace = new Option<bool>("--replace") { Description = "Remove the policies that the table does not name." };
        return Change("import", "Import a table of policies: shows what would change, then changes it.", [file], [replace], async (_, parsed, cancellationToken) =>
        {
            var path = parsed.GetValue(file)!;
            try
            {
                return new PolicyChange { Actor = "", Reason = "", Table = await File.ReadAllTextAsync(path, cancellationToken), TableName = Path.GetFileName(path), Replace = parsed.GetValue(replace) };
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw new DrException($"The table {path} cannot be read: {e.Message}", "Check the path.", e);
            }
        });
    }

    private static Command Set()
    {
        var name = new Argument<string>("POLICY") { Description = "Name of the policy (the table's group)." };
        var fields = new Argument<string[]>("COLUMN=VALUE") { Description = $"Columns of the table: {string.Join(", ", PolicyCsv.Columns.Skip(1).Concat(PolicyCsv.MoreColumns))}.", Arity = ArgumentArity.OneOrMore };
        return Change("set", "Change fields of one policy, or make it.", [name, fields], [], async (client, parsed, cancellationToken) =>
        {
            var book = (await GetAsync(client, parsed, cancellationToken)).Book;
            return new PolicyChange { Actor = "", Reason = "", Seen = book.Version, Table = TableOf(book, parsed.GetValue(name)!, parsed.GetValue(fields)!), TableName = "the fields given" };
        });
    }

    private static Command Remove()
    {
        var names = new Argument<string[]>("POLICY") { Description = "Policies to remove.", Arity = ArgumentArity.OneOrMore };
        return Change("remove", "Remove policies: their systems go by the configuration again.", [names], [], (_, parsed, _) =>
            Task.FromResult(new PolicyChange { Actor = "", Reason = "", RemovePolicies = parsed.GetValue(names)! }));
    }

    private static Command Calendar()
    {
        var name = new Argument<string>("NAME") { Description = "Name of the calendar." };
        var zone = new Option<string>("--time-zone") { Description = "IANA time zone.", DefaultValueFactory = _ => "UTC" };
        var hours = new Option<string>("--hours") { Description = "Opening hours.", DefaultValueFactory = _ => "09:00-20:00" };
        var closed = new Option<DayOfWeek[]>("--closed") { Description = "Days of the week on which it is closed.", AllowMultipleArgumentsPerToken = true };
        var days = new Option<string[]>("--day") { Description = "A date or a day of the week of its own: 2026-02-17=closed, 2026-05-01=10:00-16:00, Sunday=10:00-18:00.", AllowMultipleArgumentsPerToken = true };
        return Change("calendar", "Make a calendar of opening hours, or put another in its place.", [name], [zone, hours, closed, days], (_, parsed, _) =>
            Task.FromResult(new PolicyChange
            {
                Actor = "",
                Reason = "",
                Calendars = [CalendarText.Parse(parsed.GetValue(name)!, parsed.GetValue(zone)!, parsed.GetValue(hours)!, parsed.GetValue(closed) ?? [], parsed.GetValue(days) ?? [])],
            }));
    }

    /// <summary>Shows the plan; applies it unless it is refused, or only looked at.</summary>
    private static Command Change(string name, string description, Argument[] arguments, Option[] options, Func<ApiClient, ParseResult, CancellationToken, Task<PolicyChange>> make)
    {
        var (actor, reason) = (ClientCommands.Actor(), new Option<string>("--reason") { Description = "Why; goes into the audit.", DefaultValueFactory = _ => $"dr-silo policies {name}" });
        var dry = new Option<bool>("--dry-run") { Description = "Only show what would change." };
        return ClientCommands.Remote<PolicyPlan>(name, description, arguments, [.. options, actor, reason, dry], async (client, parsed, cancellationToken) =>
        {
            var change = (await make(client, parsed, cancellationToken)) with { Actor = ClientCommands.ActorOf(client, parsed, actor) ?? "", Reason = parsed.GetValue(reason)! };
            var plan = await client.PostAsync<PolicyPlan>("policies/plan", change, null, null, cancellationToken);
            if (!plan.IsAccepted)
            {
                throw new DrException($"The policies do not fit together; nothing was changed:{string.Concat(plan.Reasons.Select(r => $"\n  - {r}"))}", "Mend every line above and try again.");
            }

            return parsed.GetValue(dry) || plan.Differences.Count == 0
                ? plan
                : await client.PostAsync<PolicyPlan>("policies", change with { Seen = plan.Seen }, null, null, cancellationToken);
        }, PolicyTables.Plan);
    }

    private static Task<PolicyView> GetAsync(ApiClient client, ParseResult parsed, CancellationToken cancellationToken) => client.GetAsync<PolicyView>("policies", cancellationToken);

    private static string TableOf(PolicyBook book, string name, string[] fields)
    {
        var lines = PolicyCsv.Write([.. book.Policies.Where(p => p.Name == name)]);
        using var reader = new StringReader(lines);
        var present = CsvTable.Read(reader, "policies", PolicyCsv.Columns).Lines;
        var columns = PolicyCsv.Columns.Concat(PolicyCsv.MoreColumns).ToArray();
        var values = columns.ToDictionary(c => c, c => present.Count > 0 ? present[0][c] : c == "group" ? name : "", StringComparer.Ordinal);
        foreach (var field in fields)
        {
            var at = field.IndexOf('=', StringComparison.Ordinal);
            if (at < 0 || !values.ContainsKey(field[..at]) || field[..at] == "group")
            {
                throw new UsageException($"'{field}' is not COLUMN=VALUE.", $"Columns: {string.Join(", ", columns.Skip(1))}.");
            }

            values[field[..at]] = field[(at + 1)..];
        }

        return $"{string.Join(',', columns)}\n{string.Join(',', columns.Select(c => $"\"{values[c].Replace("\"", "\"\"", StringComparison.Ordinal)}\""))}\n";
    }
}
