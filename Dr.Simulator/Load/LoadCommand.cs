using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Contracts.Mqtt.Client;
using Spectre.Console;

namespace Dr.Simulator.Load;

/// <summary><c>dr-sim load</c>.</summary>
internal static class LoadCommand
{
    public static Command Create()
    {
        var devices = new Option<int>("--devices") { Description = "How many kiosks and branch devices.", HelpName = "N", DefaultValueFactory = _ => 1_000 };
        var beat = new Option<string>("--beat") { Description = "Every device beats once in this time.", HelpName = "TIME", DefaultValueFactory = _ => "10s" };
        var duration = new Option<string>("--duration") { Description = "How long the fleet is followed once all are connected; outages need four beats and 5 s.", HelpName = "TIME", DefaultValueFactory = _ => "2m" };
        var broker = new Option<string?>("--broker") { Description = "MQTT broker to use, for example that of a running dr-silo (default: the embedded broker, started here). Its control plane will keep the devices, named load-….", HelpName = "HOST:PORT" };
        var outages = new Option<double>("--outages") { Description = "Per cent of the devices that stop once and come back.", HelpName = "PERCENT", DefaultValueFactory = _ => 2 };
        var storms = new Option<int>("--storms") { Description = "How often connections break all at once.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var share = new Option<double>("--storm-share") { Description = "Per cent of the connections that a storm breaks.", HelpName = "PERCENT", DefaultValueFactory = _ => 50 };
        var restart = new Option<string?>("--restart") { Description = "Restarts the broker of --broker once, in the middle of the run, with this command line (for example 'systemctl restart mosquitto'), and measures until the whole fleet is back.", HelpName = "COMMAND" };
        var pace = new Option<int>("--connects") { Description = "Connections opened in a second at the beginning.", HelpName = "N", DefaultValueFactory = _ => 500 };
        var seed = new Option<ulong>("--seed") { Description = "Which devices stop, and when.", HelpName = "S", DefaultValueFactory = _ => 1 };
        var json = new Option<bool>("--json") { Description = "Print the summary as JSON." };
        var command = new Command("load", "A fleet with real MQTT connections: heartbeats, outages, reconnection storms. Exit status 1 when a living device was suspected or a stopped one was not.")
        {
            devices, beat, duration, broker, outages, storms, share, restart, pace, seed, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var plan = new LoadPlan
            {
                Devices = Within(parsed.GetValue(devices), 1, 1_000_000, devices.Name),
                Beat = Time(parsed.GetValue(beat)!, beat.Name),
                Duration = Time(parsed.GetValue(duration)!, duration.Name),
                Broker = parsed.GetValue(broker) is { } address ? BrokerAddress.Parse(address) : null,
                Outages = Within(parsed.GetValue(outages), 0, 100, outages.Name) / 100,
                Storms = Within(parsed.GetValue(storms), 0, 1_000, storms.Name),
                StormShare = Within(parsed.GetValue(share), 0, 100, share.Name) / 100,
                Restart = parsed.GetValue(restart),
                ConnectsPerSecond = Within(parsed.GetValue(pace), 1, 100_000, pace.Name),
                Seed = parsed.GetValue(seed),
            };
            if (plan is { Restart: not null, Broker: null })
            {
                throw new UsageException($"{restart.Name} restarts the broker that {broker.Name} names, and none is named.", "Name it, or leave the restart out: the embedded broker ends with this program.");
            }

            var asJson = parsed.GetValue(json);
            var summary = asJson || Console.IsOutputRedirected ? await LoadFleet.RunAsync(plan, null, TimeProvider.System, cancellationToken) : await WithProgressAsync(plan, cancellationToken);
            await Console.Out.WriteLineAsync(asJson ? summary.ToJson() : summary.ToText());
            return summary.FalseSuspicions == 0 && (!summary.Complete || summary.OutagesNoticed >= summary.Outages) ? 0 : 1;
        });
        return command;
    }

    private static Task<LoadSummary> WithProgressAsync(LoadPlan plan, CancellationToken cancellationToken) =>
        AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn()).StartAsync(context =>
        {
            var task = context.AddTask("starting", maxValue: 1);
            return LoadFleet.RunAsync(plan, new Progress<(string What, double Share)>(p => (task.Description, task.Value) = (p.What, p.Share)), TimeProvider.System, cancellationToken);
        });

    private static T Within<T>(T value, T least, T most, string name)
        where T : IComparable<T> => value.CompareTo(least) >= 0 && value.CompareTo(most) <= 0
        ? value
        : throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{name} must be between {least} and {most}."), "See --help.");

    private static TimeSpan Time(string text, string name) => Quantities.ParseDuration(text, name) is var time && time >= TimeSpan.FromMilliseconds(100) && time <= TimeSpan.FromDays(7)
        ? time
        : throw new UsageException($"{name} must be between 100ms and 7d.", "Write a number and ms, s, m, h or d, for example 10s.");
}
