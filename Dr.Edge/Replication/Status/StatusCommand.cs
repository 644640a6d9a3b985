using System.CommandLine;
using System.Text.Json;
using Dr.Contracts.Cli;
using Dr.Edge.Cli;
using Spectre.Console;

namespace Dr.Edge.Replication.Status;

/// <summary><c>copy status VOLUME [--watch]</c>.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan WatchEvery = TimeSpan.FromSeconds(1);

    public static Command Create(Argument<string> volume)
    {
        var watch = new Option<bool>("--watch") { Description = "Show it again every second until Ctrl-C; with --json one line of JSON each time." };
        return CommandShell.Remote("status", "How the copies of a volume are doing: state, lag, progress, last common point, gaps.", [volume, watch], context =>
            context.Get(watch) ? WatchAsync(context, context.Get(volume)) : OnceAsync(context, context.Get(volume)));
    }

    public static void Print(CommandContext context, CopyList list)
    {
        if (context.Json)
        {
            CommandShell.PrintJson(list);
        }
        else
        {
            Console.Out.Write(CopyPrinter.Print(list));
        }
    }

    private static async Task<int> OnceAsync(CommandContext context, string volume)
    {
        Print(context, await GetAsync(context, volume));
        return ProgramShell.Done;
    }

    private static async Task<int> WatchAsync(CommandContext context, string volume)
    {
        try
        {
            if (context.Json || Console.IsOutputRedirected)
            {
                await EverySecondAsync(context, volume, list => Console.Out.WriteLine(context.Json ? JsonSerializer.Serialize(list, ControlJson.Compact) : CopyPrinter.Print(list)));
            }
            else
            {
                await AnsiConsole.Live(new Text("")).StartAsync(live => EverySecondAsync(context, volume, list => live.UpdateTarget(new Text(CopyPrinter.Print(list)))));
            }
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            // Ctrl-C is how one stops watching.
        }

        return ProgramShell.Done;
    }

    private static async Task EverySecondAsync(CommandContext context, string volume, Action<CopyList> show)
    {
        using var timer = new PeriodicTimer(WatchEvery);
        do
        {
            show(await GetAsync(context, volume));
        }
        while (await timer.WaitForNextTickAsync(context.CancellationToken));
    }

    private static Task<CopyList> GetAsync(CommandContext context, string volume) =>
        context.Client.GetAsync<CopyList>($"replication/{ControlPath.Segment(volume)}/copies", context.CancellationToken);
}
