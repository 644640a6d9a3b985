using System.CommandLine;
using Dr.Contracts.Cli;
using Dr.Simulator.Live.Faults;
using Dr.Simulator.Live.Reporting;
using Dr.Simulator.Live.World;

namespace Dr.Simulator.Live;

/// <summary><c>dr-sim live</c>.</summary>
internal static class LiveCommand
{
    private static readonly LiveFaultKind[] AllKinds = Enum.GetValues<LiveFaultKind>();

    public static Command Create()
    {
        var faults = new Option<string>("--faults") { Description = "Which kinds of faults, separated by commas.", HelpName = "KINDS", DefaultValueFactory = _ => string.Join(',', AllKinds).ToLowerInvariant() };
        var minutes = new Option<double>("--minutes") { Description = "How long faults strike, healing included (0.5–1440); building the world before and judging it afterwards take about a minute more.", HelpName = "N", DefaultValueFactory = _ => 10 };
        var seed = new Option<ulong>("--seed") { Description = "Which faults, in which order, for how long.", HelpName = "S", DefaultValueFactory = _ => 1 };
        var report = new Option<string?>("--report") { Description = "Write the report there: .json for machines, everything else as a page for people (HTML). The logs go beside it when a promise was broken.", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Print the report as JSON." };
        var edge = new Option<string?>("--edge") { Description = "The dr-edge to use (default: of this build, else installed).", HelpName = "PATH" };
        var silo = new Option<string?>("--silo") { Description = "The dr-silo to use (default: of this build, else installed).", HelpName = "PATH" };
        var plan = new Option<bool>("--plan") { Description = "Only print the faults that would strike; needs no root." };
        var clean = new Option<bool>("--clean") { Description = "Only remove what runs that were killed have left behind. Every run does that first." };
        var command = new Command(
            "live",
            "Real processes in networks of their own (two sites, a third place, kiosks), struck by faults while clients work, with a ledger outside as the judge. Needs root. Exit status 1 when a promise was broken.")
        {
            faults, minutes, seed, report, json, edge, silo, plan, clean,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var options = new LiveOptions
            {
                Kinds = Kinds(parsed.GetValue(faults)!),
                Length = Length(parsed.GetValue(minutes)),
                Seed = parsed.GetValue(seed),
                Report = parsed.GetValue(report),
                Json = parsed.GetValue(json),
            };
            if (parsed.GetValue(plan))
            {
                await Console.Out.WriteLineAsync(LivePlanText.Of(options));
                return ProgramShell.Done;
            }

            if (Environment.UserName != "root")
            {
                throw new DrException("dr-sim live needs root: it makes network namespaces, mounts file systems and fills them.", "Run it as root, best on a machine that does nothing else; --plan shows without root what would strike.");
            }

            await CleanAsync();
            if (parsed.GetValue(clean))
            {
                return ProgramShell.Done;
            }

            return await LiveRun.RunAsync(options, LivePrograms.Find(parsed.GetValue(edge), parsed.GetValue(silo)), cancellationToken);
        });
        return command;
    }

    private static async Task CleanAsync()
    {
        foreach (var scene in Scene.Leftovers())
        {
            var left = await scene.RemoveAsync();
            await Console.Error.WriteLineAsync(left.Count == 0
                ? $"Removed what a killed run had left behind: {scene.Prefix} ({scene.Folder})."
                : throw new DrException($"What a killed run left behind cannot be removed: {string.Join("; ", left)}.", "Look who uses it, end that, and run dr-sim live --clean again."));
        }
    }

    private static LiveFaultKind[] Kinds(string text) =>
        [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(word =>
            Array.Find(AllKinds, k => k.ToString().Equals(word, StringComparison.OrdinalIgnoreCase)) is var kind && kind.ToString().Equals(word, StringComparison.OrdinalIgnoreCase)
                ? kind
                : throw new UsageException($"'{word}' is no kind of fault.", $"--faults takes some of {string.Join(',', AllKinds).ToLowerInvariant()}.")) is var kinds && kinds.Any()
            ? kinds
            : throw new UsageException("--faults names none.", $"It takes some of {string.Join(',', AllKinds).ToLowerInvariant()}.")];

    private static TimeSpan Length(double minutes) =>
        minutes is >= 0.5 and <= 1440 ? TimeSpan.FromMinutes(minutes) : throw new UsageException("--minutes must be between 0.5 and 1440.", "Building the world and judging it are not counted.");
}

/// <summary>What a run is asked for.</summary>
internal sealed record LiveOptions
{
    public required IReadOnlyList<LiveFaultKind> Kinds { get; init; }

    public required TimeSpan Length { get; init; }

    public required ulong Seed { get; init; }

    public string? Report { get; init; }

    public bool Json { get; init; }
}
