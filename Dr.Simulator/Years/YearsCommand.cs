using System.CommandLine;
using System.Diagnostics;
using System.Text.Json;
using Dr.Contracts.Cli;
using Dr.Simulator.Replay;
using Spectre.Console;

namespace Dr.Simulator.Years;

/// <summary><c>dr-sim years</c>.</summary>
internal static class YearsCommand
{
    /// <summary>Stories that are shortened and told; the rest is counted.</summary>
    private const int MostStories = 5;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Create()
    {
        var seeds = new Option<int>("--seeds") { Description = "How many years, of consecutive seeds.", HelpName = "N", DefaultValueFactory = _ => 1_000 };
        var seed = new Option<ulong>("--seed") { Description = "The first seed; alone, it plays this one year and tells its story.", HelpName = "S", DefaultValueFactory = _ => 1 };
        var only = new Option<string?>("--only") { Description = "Of the year of --seed only these faults, some perhaps shorter, as a failing year prints them.", HelpName = "3,17=20s" };
        var regressions = new Option<bool>("--regressions") { Description = "Play the years that have broken a rule once, instead of random ones." };
        var list = new Option<string?>("--list") { Description = "The list of such years: read by --regressions, and failing years join it (default with --regressions: the list that was built in).", HelpName = "FILE" };
        var threads = new Option<int>("--threads") { Description = "Processors to use; the result does not depend on it.", HelpName = "N", DefaultValueFactory = _ => Environment.ProcessorCount };
        var log = new Option<string?>("--log") { Description = "Fault log as CSV, for kinds and rates (default: the paper's table 1).", HelpName = "FILE" };
        var json = new Option<bool>("--json") { Description = "Print the result as JSON." };
        seeds.Validators.Add(r => Between(r, seeds.Name, 1, 100_000_000));
        threads.Validators.Add(r => Between(r, threads.Name, 1, 1_024));
        var command = new Command("years", "Play random years of faults, the log's and what it never saw, through the control plane's own decision code, and look at every rule of the design after every step. Exit status 1 when one breaks.")
        {
            seeds, seed, only, regressions, list, threads, log, json,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var draw = new YearDraw(FaultLog.Load(parsed.GetValue(log), null));
            if (parsed.GetValue(regressions))
            {
                return await PlayRegressionsAsync(draw, parsed.GetValue(list), cancellationToken);
            }

            var first = parsed.GetValue(seed);
            if (parsed.GetValue(only) is { } selection)
            {
                return TellYear(first, YearSelection.Read(selection, draw.Of(first)), cancellationToken);
            }

            if (parsed.GetResult(seed) is { Implicit: false } && parsed.GetResult(seeds) is null or { Implicit: true })
            {
                return TellYear(first, draw.Of(first), cancellationToken);
            }

            return await PlayAsync(draw, first, parsed.GetValue(seeds), parsed.GetValue(threads), parsed.GetValue(list), parsed.GetValue(json), cancellationToken);
        });
        return command;
    }

    private static void Between(System.CommandLine.Parsing.OptionResult result, string name, int least, int most)
    {
        if (result.GetValueOrDefault<int>() is var value && (value < least || value > most))
        {
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} must be between {least} and {most}."));
        }
    }

    private static async Task<int> PlayAsync(YearDraw draw, ulong first, int count, int threads, string? list, bool json, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var summary = json || Console.IsOutputRedirected
            ? await Task.Run(() => YearsRun.Run(DecisionCore.Real, draw, first, count, threads, null, cancellationToken), CancellationToken.None)
            : await AnsiConsole.Progress().Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn()).StartAsync(async context =>
            {
                var task = context.AddTask("years", maxValue: count);
                return await Task.Run(() => YearsRun.Run(DecisionCore.Real, draw, first, count, threads, _ => task.Increment(1), cancellationToken), CancellationToken.None);
            });
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        List<BrokenYear> stories = [];
        foreach (var (seed, violation) in summary.Broken.Take(MostStories))
        {
            if (cancellationToken.IsCancellationRequested)
            {
                break;
            }

            stories.Add(Shrinker.Shrink(DecisionCore.Real, seed, draw.Of(seed), violation, CancellationToken.None));
        }

        if (list is not null)
        {
            Regressions.Join(list, stories);
        }

        if (json)
        {
            await Console.Out.WriteLineAsync(JsonSerializer.Serialize(ToJson(summary, stories, seconds), Json));
        }
        else
        {
            Print(summary, stories, count, seconds);
        }

        return summary.Broken.Count == 0 ? 0 : 1;
    }

    private static object ToJson(YearsSummary summary, List<BrokenYear> stories, double seconds) => new
    {
        summary.Years,
        summary.Faults,
        summary.Events,
        summary.Transitions,
        summary.Takeovers,
        summary.AutomaticTakeovers,
        summary.Moves,
        summary.Drills,
        summary.NeedingHelp,
        LongestLossSeconds = summary.LongestLoss.TotalSeconds,
        Hash = summary.Hash.ToString("x16", CultureInfo.InvariantCulture),
        Violations = summary.Broken.Count,
        summary.FalseFailovers,
        YearsPerSecond = summary.Years / seconds,
        Stories = stories.Select(s => new { s.Seed, s.Violation.Rule, What = s.Violation.Message, s.Command, Faults = s.Faults.Select(f => f.ToString()) }),
    };

    private static void Print(YearsSummary summary, List<BrokenYear> stories, int asked, double seconds)
    {
        var inCulture = CultureInfo.InvariantCulture;
        Console.WriteLine(string.Create(inCulture, $"{summary.Years} of {asked} years played in {seconds:0.0} s ({summary.Years / seconds:0} a second): {summary.Faults} faults, {summary.Transitions} transitions."));
        Console.WriteLine(string.Create(inCulture, $"{summary.Takeovers} takeovers, {summary.AutomaticTakeovers} of them automatic; {summary.Moves} moves; {summary.Drills} drills; longest loss of a streamed copy {summary.LongestLoss.TotalSeconds:0.0} s, all within its record."));
        Console.WriteLine(string.Create(inCulture, $"{summary.NeedingHelp} systems waited for a person at the end of a healed year. Hash {summary.Hash:x16}."));
        Console.WriteLine(string.Create(inCulture, $"{summary.Broken.Count} violations, {summary.FalseFailovers} false site failovers."));
        foreach (var story in stories)
        {
            Console.WriteLine();
            Console.WriteLine(string.Create(inCulture, $"Seed {story.Seed} breaks a rule: {story.Violation.Message}"));
            Console.WriteLine(string.Create(inCulture, $"{story.Faults.Count} of its {story.DrawnFaults} faults are enough:"));
            foreach (var fault in story.Faults)
            {
                Console.WriteLine($"  {fault}");
            }

            Console.WriteLine($"See it again: {story.Command}");
        }

        if (summary.Broken.Count > stories.Count)
        {
            Console.WriteLine();
            Console.WriteLine($"Other seeds: {string.Join(", ", summary.Broken.Skip(stories.Count).Take(50).Select(b => b.Seed))}");
        }
    }

    private static int TellYear(ulong seed, IReadOnlyList<YearFault> faults, CancellationToken cancellationToken)
    {
        var world = new YearWorld(DecisionCore.Real, seed, faults, tell: true);
        var outcome = world.Run(cancellationToken);
        foreach (var line in world.Story)
        {
            Console.WriteLine(line);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{faults.Count} faults, {outcome.Transitions} transitions, {outcome.Takeovers} takeovers, {outcome.Moves} moves, hash {outcome.Hash:x16}."));
        Console.WriteLine(outcome.Violation is { } violation ? $"A rule is broken: {violation.Message}" : "Every rule held.");
        return outcome.Violation is null ? 0 : 1;
    }

    private static async Task<int> PlayRegressionsAsync(YearDraw draw, string? list, CancellationToken cancellationToken)
    {
        var broken = 0;
        var years = Regressions.Load(list);
        foreach (var (seed, selection, why) in years)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var faults = YearSelection.Read(selection, draw.Of(seed));
            var outcome = new YearWorld(DecisionCore.Real, seed, faults).Run(cancellationToken);
            broken += outcome.Violation is null ? 0 : 1;
            await Console.Out.WriteLineAsync(outcome.Violation is { } violation ? $"seed {seed} breaks a rule again: {violation.Message}" : $"seed {seed}: every rule held ({why})");
        }

        await Console.Out.WriteLineAsync($"{years.Count - broken} of {years.Count} years hold.");
        return broken == 0 ? 0 : 1;
    }
}
