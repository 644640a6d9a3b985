using System.CommandLine;
using System.Text.Json;
using Dr.Contracts.Cli;
using Dr.Contracts.Grains;
using Dr.Silo.Api;

namespace Dr.Silo.Cli;

/// <summary><c>audit</c> and <c>events</c>.</summary>
internal static class LogCommands
{
    private static readonly TimeSpan FollowPace = TimeSpan.FromSeconds(1);

    public static IEnumerable<Command> Create() => [Audit(), Events()];

    private static Command Audit()
    {
        var filters = new (string Name, Option<string?> Option)[]
        {
            ("subject", ClientCommands.Text("--subject", "Only about this.")), ("actor", ClientCommands.Text("--actor", "Only by this one.")), ("action", ClientCommands.Text("--action", "Only this action.")),
            ("since", ClientCommands.Text("--since", "From this time on.", "TIME")), ("until", ClientCommands.Text("--until", "Before this time.", "TIME")), ("after", ClientCommands.Text("--after", "After this entry.", "SEQUENCE")),
        };
        var limit = Limit();
        var json = new Option<bool>("--json") { Description = "Print JSON instead of a sentence." };
        return ClientCommands.Remote("audit", "List the audit, oldest first.", [], [.. filters.Select(f => f.Option), limit], (client, parsed, token) => client.GetListAsync<AuditRecord>(
            ClientCommands.Query($"audit?limit={Page(parsed, limit)}", parsed, filters), Math.Max(1, parsed.GetValue(limit)), token), ViewTables.Audit)
            .With(ClientCommands.Raw("verify", "Read the whole chain; exit status 1 when an entry does not fit.", [], [json], async (client, parsed, token) =>
            {
                var verdict = await client.GetAsync<AuditVerdict>("audit/verify", token);
                Console.Out.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(verdict, ApiClient.Json) : verdict.Text);
                return verdict.Whole ? ProgramShell.Done : ProgramShell.Failed;
            }));
    }

    private static Command Events()
    {
        var filters = new (string Name, Option<string?> Option)[]
        {
            ("subject", ClientCommands.Text("--subject", "Only about this.")), ("kind", ClientCommands.Text("--kind", "Only of this kind.")), ("severity", ClientCommands.Text("--severity", "Only these and worse.", "warning|critical")),
        };
        var after = new Option<long>("--after") { Description = "After this event.", HelpName = "ID" };
        var limit = Limit();
        var follow = new Option<bool>("--follow") { Description = "Go on with what happens, until Ctrl-C." };
        var json = new Option<bool>("--json") { Description = "One event a line as JSON." };
        return ClientCommands.Raw("events", "List what happened, oldest first.", [], [.. filters.Select(f => f.Option), after, limit, follow, json], async (client, parsed, token) =>
        {
            var seen = parsed.GetValue(after);
            for (var left = Math.Max(1, parsed.GetValue(limit)); ;)
            {
                var found = await client.GetListAsync<EventRecord>(ClientCommands.Query($"events?after={seen}&limit={Page(parsed, limit)}", parsed, filters), parsed.GetValue(follow) ? int.MaxValue : left, token);
                foreach (var record in found)
                {
                    Console.Out.WriteLine(parsed.GetValue(json)
                        ? JsonSerializer.Serialize(record, Line)
                        : string.Create(CultureInfo.InvariantCulture, $"{record.Id,8}  {record.At.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z  {record.Severity,-11}  {record.Subject,-16}  {record.Text}"));
                    seen = record.Id;
                }

                if (!parsed.GetValue(follow))
                {
                    return ProgramShell.Done;
                }

                await Task.Delay(FollowPace, token);
            }
        });
    }

    private static readonly JsonSerializerOptions Line = new(ApiClient.Json) { WriteIndented = false };

    private static Option<int> Limit() => new("--limit") { Description = "How many at most.", DefaultValueFactory = _ => 1000 };

    private static int Page(ParseResult parsed, Option<int> limit) => Math.Clamp(parsed.GetValue(limit), 1, ApiLimits.PageMax);
}
