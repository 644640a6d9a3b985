using System.CommandLine;
using Dr.Contracts.Grains;
using Dr.Silo.Api;

namespace Dr.Silo.Cli;

/// <summary><c>systems</c>, <c>volumes</c>, <c>devices</c>, <c>sites</c>, <c>runs</c>: what is.</summary>
internal static class ThingCommands
{
    private const int ListMax = 100_000;

    public static IEnumerable<Command> Create() => [Systems(), Volumes(), Devices(), Sites(), Runs()];

    private static Command Systems()
    {
        var (phase, site, kind) = (ClientCommands.Text("--phase", "Only in this phase."), ClientCommands.Text("--site", "Only owned by this site."), ClientCommands.Text("--class", "Only of this class.", "T|R"));
        return List<SystemView>("systems", "List the business systems: phase, epoch, owner, data age, points.", [("phase", phase), ("site", site), ("class", kind)], ViewTables.Systems)
            .With(Show<SystemView>("systems", "SYSTEM", "Show one system with its conditions.", ViewTables.System));
    }

    private static Command Volumes()
    {
        var system = ClientCommands.Text("--system", "Only of this system.");
        var name = new Argument<string>("VOLUME") { Description = "Volume." };
        var label = ClientCommands.Text("--label", "For people.");
        return List<VolumeView>("volumes", "List the protected volumes and their copies.", [("system", system)], ViewTables.Volumes).With(
            Show<VolumeView>("volumes", "VOLUME", "Show one volume with its copies.", view => ViewTables.Volumes([view])),
            ClientCommands.Remote(
                "points", "List the newest points of a volume.", [name], [], (client, parsed, token) => client.GetAsync<IReadOnlyList<PointInfo>>($"volumes/{ClientCommands.Escape(parsed.GetValue(name))}/points", token), ViewTables.Points),
            ClientCommands.Change("point", "Take a point now.", [name], [label], async (client, parsed, token) =>
            {
                var asked = await client.PostAsync<PointAsked>($"volumes/{ClientCommands.Escape(parsed.GetValue(name))}/points", new { label = parsed.GetValue(label) }, null, null, token);
                return $"Asked for as {asked.Command}; its result is an event (dr-silo events).";
            }));
    }

    private static Command Devices()
    {
        var (site, role, presence) = (ClientCommands.Text("--site", "Only at this site."), ClientCommands.Text("--role", "Only with this role.", "appliance|host|kiosk"), ClientCommands.Text("--presence", "Only these.", "alive|suspect|silent|unknown"));
        return List<DeviceView>("devices", "List the devices: presence and last beat.", [("site", site), ("role", role), ("presence", presence)], ViewTables.Devices)
            .With(Show<DeviceView>("devices", "DEVICE", "Show one device.", view => ViewTables.Devices([view])));
    }

    private static Command Sites() => List<SiteView>("sites", "List the sites and who of their members is silent.", [], ViewTables.Sites);

    private static Command Runs()
    {
        var (system, kind, state) = (ClientCommands.Text("--system", "Only of this system."), ClientCommands.Text("--kind", "Only of this kind.", "failover|move|failback|drill"), ClientCommands.Text("--state", "Only in this state."));
        var live = new Option<bool>("--live") { Description = "Only those that have not ended." };
        var limit = new Option<int>("--limit") { Description = "How many, newest first.", DefaultValueFactory = _ => 50 };
        return ClientCommands.Remote(
            "runs",
            "List the newest runs.",
            [],
            [system, kind, state, live, limit],
            (client, parsed, token) => client.GetListAsync<RunView>(
                ClientCommands.Query($"runs?limit={Math.Clamp(parsed.GetValue(limit), 1, ApiLimits.RunPageMax)}{(parsed.GetValue(live) ? "&live=true" : "")}", parsed, ("system", system), ("kind", kind), ("state", state)),
                Math.Max(1, parsed.GetValue(limit)),
                token),
            ViewTables.Runs).With(Show<RunView>("runs", "RUN", "Show one run with its steps.", ViewTables.Run));
    }

    private static Command List<T>(string name, string description, (string Name, Option<string?> Option)[] filters, Func<IReadOnlyList<T>, Spectre.Console.Table> table) =>
        ClientCommands.Remote(name, description, [], [.. filters.Select(f => f.Option)], (client, parsed, token) => client.GetListAsync<T>(ClientCommands.Query(name, parsed, filters), ListMax, token), table);

    private static Command Show<T>(string list, string argument, string description, Func<T, Spectre.Console.Table> table)
    {
        var id = new Argument<string>(argument) { Description = "Its id." };
        return ClientCommands.Remote("show", description, [id], [], (client, parsed, token) => client.GetAsync<T>($"{list}/{ClientCommands.Escape(parsed.GetValue(id))}", token), table);
    }
}
