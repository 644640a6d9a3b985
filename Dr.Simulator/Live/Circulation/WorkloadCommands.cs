using System.CommandLine;
using System.Text.Json;
using Npgsql;

namespace Dr.Simulator.Live.Circulation;

/// <summary><c>dr-sim workload run</c> and <c>dr-sim workload check</c>: a circulation desk and its judge.</summary>
internal static class WorkloadCommands
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Create()
    {
        var workload = new Command("workload", "A circulation desk against a real PostgreSQL: loans and returns, every committed one noted in a ledger outside, and the comparison of both.");
        workload.Subcommands.Add(Run());
        workload.Subcommands.Add(Check());
        return workload;
    }

    private static Option<string> Connection() => new("--connection") { Description = "Npgsql connection string of the service's address.", Required = true };

    private static Option<string> Ledger() => new("--ledger") { Description = "Ledger file; appended to, and on the disk before the next transaction starts.", Required = true };

    private static Command Run()
    {
        var (connection, ledger) = (Connection(), Ledger());
        var status = new Option<string?>("--status") { Description = "File that always holds the newest figures, as JSON." };
        var rate = new Option<int>("--rate") { Description = "Transactions per second.", DefaultValueFactory = _ => 100 };
        rate.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int>() is < 1 or > 10_000)
            {
                r.AddError("--rate must be between 1 and 10000 transactions per second.");
            }
        });
        var seed = new Option<int>("--seed") { Description = "Which items and readers; same seed, same order.", DefaultValueFactory = _ => 1 };
        var command = new Command("run", "Borrow and return until stopped (Ctrl-C or SIGTERM); reconnects by itself.") { connection, ledger, status, rate, seed };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var path = parsed.GetValue(ledger)!;
            var lastId = File.Exists(path) && LedgerFile.ReadAll(path) is { Count: > 0 } before ? before.Max(e => e.Id) : 0;
            using var file = new LedgerFile(path);
            var desk = new CirculationWorkload(
                parsed.GetValue(connection)!, file, new WorkloadStatusFile(parsed.GetValue(status)), parsed.GetValue(rate), parsed.GetValue(seed), TimeProvider.System);
            await desk.RunAsync(lastId, cancellationToken);
            return 0;
        });
        return command;
    }

    private static Command Check()
    {
        var (connection, ledger) = (Connection(), Ledger());
        var json = new Option<bool>("--json") { Description = "Print the verdict as JSON." };
        var command = new Command("check", "Compare the database with the ledger; exit status 1 when an answered transaction is missing.") { connection, ledger, json };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var entries = LedgerFile.ReadAll(parsed.GetValue(ledger)!);
            await using var database = new NpgsqlConnection(parsed.GetValue(connection)!);
            await database.OpenAsync(cancellationToken);
            var verdict = LedgerVerdict.Compare(entries, await CirculationDatabase.TransactionIdsAsync(database, cancellationToken));
            Console.WriteLine(parsed.GetValue(json)
                ? JsonSerializer.Serialize(verdict, Json)
                : string.Create(CultureInfo.InvariantCulture, $"{verdict.Committed} committed, {verdict.Lost} lost (over {verdict.LostSeconds:F3} s), {verdict.UnknownFound + verdict.UnknownMissing} broken off in mid-commit ({verdict.UnknownFound} of them in the database), {verdict.Unexplained} unexplained"));
            return verdict.Lost == 0 && verdict.Unexplained == 0 ? 0 : 1;
        });
        return command;
    }
}
