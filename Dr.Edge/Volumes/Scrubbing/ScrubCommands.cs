using System.CommandLine;
using Dr.Edge.Cli;

namespace Dr.Edge.Volumes.Scrubbing;

/// <summary><c>dr-edge scrub</c>.</summary>
internal static class ScrubCommands
{
    public static Command Create() => new("scrub", "Reading everything on disk against its checksums, in the background.")
    {
        One("status", "How far it is and what it found.", HttpMethod.Get, "scrub"),
        One("start", "Begin a pass now; one under way goes on.", HttpMethod.Post, "scrub/start"),
        One("pause", "Stop where it is, until resumed or started.", HttpMethod.Post, "scrub/pause"),
        One("resume", "Go on.", HttpMethod.Post, "scrub/resume"),
    };

    private static Command One(string verb, string description, HttpMethod method, string path)
    {
        var name = new Argument<string?>("VOLUME") { Description = "Name of a volume or clone; without it all of them.", Arity = ArgumentArity.ZeroOrOne };
        return CommandShell.Remote(verb, description, [name], async context =>
        {
            var volume = context.Parsed.GetValue(name);
            var status = await context.Client.SendAsync<List<ScrubStatus>>(method, volume is null ? path : $"{path}/{ControlPath.Segment(volume)}", null, context.CancellationToken);
            ScrubPrinter.Print(status, context.Json);
            return ProgramShell.Done;
        });
    }
}
