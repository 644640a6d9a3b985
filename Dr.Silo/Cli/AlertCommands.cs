using System.CommandLine;
using Dr.Contracts.Grains;
using Dr.Silo.Api;

namespace Dr.Silo.Cli;

/// <summary><c>alerts</c>.</summary>
internal static class AlertCommands
{
    public static Command Create()
    {
        var (level, kind, subject) = (ClientCommands.Text("--level", "Only these and worse.", "warning|critical"), ClientCommands.Text("--kind", "Only of this kind."), ClientCommands.Text("--subject", "Only about this.", "system:ID|device:ID|site:ID"));
        return ClientCommands.Remote(
            "alerts", "List what is wrong, worst first, one per cause.", [], [level, kind, subject],
            (client, parsed, token) => client.GetListAsync<AlertView>(ClientCommands.Query("alerts", parsed, ("level", level), ("kind", kind), ("subject", subject)), int.MaxValue, token), ViewTables.Alerts)
            .With(Acknowledge(), Silences(), Silence(), Unsilence());
    }

    private static Command Acknowledge()
    {
        var id = new Argument<string>("ALERT") { Description = "Its id, as the list has it." };
        var (length, reason, actor) = (For(), ClientCommands.Reason(), ClientCommands.Actor());
        return ClientCommands.Change("ack", "Say that somebody is on it, for a time.", [id], [length, reason, actor], async (client, parsed, token) =>
        {
            var body = new { actor = ClientCommands.ActorOf(client, parsed, actor), reason = parsed.GetValue(reason), @for = parsed.GetValue(length) };
            await client.ChangeAsync(HttpMethod.Post, $"alerts/{ClientCommands.Escape(parsed.GetValue(id))}/acknowledge", body, token);
            return "Acknowledged.";
        });
    }

    private static Command Silences() =>
        ClientCommands.Remote("silences", "List what nobody is told of.", [], [], (client, _, token) => client.GetAsync<IReadOnlyList<SilenceView>>("alerts/silences", token), ViewTables.Silences);

    private static Command Silence()
    {
        var (kind, subject) = (ClientCommands.Text("--kind", "Of this kind."), ClientCommands.Text("--subject", "About this.", "system:ID|device:ID|site:ID"));
        var (length, reason, actor) = (For(), ClientCommands.Reason(), ClientCommands.Actor());
        return ClientCommands.Change("silence", "Tell nobody for a time; the alerts are followed and shown all the same.", [], [kind, subject, length, reason, actor], async (client, parsed, token) =>
        {
            var body = new { kind = parsed.GetValue(kind), subject = parsed.GetValue(subject), actor = ClientCommands.ActorOf(client, parsed, actor), reason = parsed.GetValue(reason), @for = parsed.GetValue(length) };
            var made = await client.ChangeAsync<SilenceMade>(HttpMethod.Post, "alerts/silences", body, token);
            return $"Silence {made.Id} until {made.Until:u}.";
        });
    }

    private static Command Unsilence()
    {
        var id = new Argument<string>("SILENCE") { Description = "Its id." };
        return ClientCommands.Change("unsilence", "End a silence before its time.", [id], [], async (client, parsed, token) =>
        {
            await client.ChangeAsync(HttpMethod.Delete, $"alerts/silences/{ClientCommands.Escape(parsed.GetValue(id))}", null, token);
            return "Ended.";
        });
    }

    private static Option<string> For() => new("--for") { Description = "How long.", HelpName = "2h", Required = true };
}
