using System.CommandLine;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Cli;

/// <summary><c>dr-edge volume set</c>, and the same options for <c>volume create</c>.</summary>
internal sealed class PolicyCommands
{
    private readonly Option<string?> _every = new("--points-every") { Description = "Time between automatic points, for example 10m; 'off' = none (default: the appliance's, 5m unless it is configured).", HelpName = "TIME" };
    private readonly Option<string?> _keep = new("--keep") { Description = "How automatic points are thinned, youngest first, for example 24h:5m,7d:1h,30d:1d.", HelpName = "TIERS" };
    private readonly Option<string?> _manual = new("--keep-manual") { Description = "How long points that were asked for are kept; 'forever' = until they are deleted.", HelpName = "TIME" };
    private readonly Option<string?> _window = new("--fine-window") { Description = "How long any moment can be opened, whatever points are kept; at least 5m.", HelpName = "TIME" };
    private readonly Option<string?> _full = new("--when-full") { Description = "'refuse' writes and keep all history, or 'history-gives-way'.", HelpName = "POLICY" };

    public IEnumerable<Option> Options => [_every, _keep, _manual, _window, _full];

    public static Command Set()
    {
        var name = VolumeCommands.VolumeArgument();
        var options = new PolicyCommands();
        return CommandShell.Remote("set", "Change what a volume keeps; 'default' gives a part back to the appliance's configuration.", [name, .. options.Options], async context =>
        {
            if (options.Read(context) is not { } change)
            {
                throw new UsageException("Nothing to set was given.", "'dr-edge volume set --help' shows what can be set.");
            }

            Print(await SendAsync(context, context.Get(name), change), context.Json);
            return ProgramShell.Done;
        });
    }

    /// <summary>What the options say; null when none was given.</summary>
    public PolicyTexts? Read(CommandContext context)
    {
        var texts = new PolicyTexts { PointsEvery = context.Get(_every), Keep = context.Get(_keep), KeepManual = context.Get(_manual), FineWindow = context.Get(_window), WhenFull = context.Get(_full) };
        if (texts == new PolicyTexts())
        {
            return null;
        }

        // Asked again where the volume is; what cannot be read is wrong here already.
        CommandShell.Parse(() => PolicyChange.Apply(null, texts));
        return texts;
    }

    private static Task<PolicyTexts> SendAsync(CommandContext context, string volume, PolicyTexts change) =>
        context.Client.PostAsync<PolicyTexts>($"{VolumeCommands.PathOf(volume)}/policy", change, context.CancellationToken);

    /// <summary>One line for people: what is kept, with the volume's own parts marked.</summary>
    public static string Describe(PolicyTexts policy)
    {
        string Own(string part) => policy.Own?.Contains(part) == true ? " (own)" : "";
        return $"points every {policy.PointsEvery}{Own("points-every")}, kept {policy.Keep}{Own("keep")}, asked for {policy.KeepManual}{Own("keep-manual")}, "
            + $"any moment for {policy.FineWindow}{Own("fine-window")}, when full {policy.WhenFull}{Own("when-full")}";
    }

    private static void Print(PolicyTexts policy, bool json)
    {
        VolumePrinter.Print(policy, json, Describe(policy));
        if (!json && policy.Advice is { } advice)
        {
            Console.Error.WriteLine($"Note: {advice}.");
        }
    }
}
