using Spectre.Console;

namespace Dr.Edge.Cli;

/// <summary>Asks for something that takes a while; on a terminal a progress bar on standard error shows how far it is.</summary>
internal static class ProgressShell
{
    public static Task<T> RunAsync<T>(CommandContext context, string path, object? request) =>
        ShowAsync(context.Json, report => context.Client.StreamAsync<T>(HttpMethod.Post, path, request, report, context.CancellationToken));

    /// <summary>The same for work that this process does itself.</summary>
    /// <param name="step">What is being done, for the bar.</param>
    /// <param name="work">Is told where to report bytes done and in all; runs on a thread of its own.</param>
    public static Task<T> WatchAsync<T>(bool json, string step, Func<Action<long, long>, CancellationToken, T> work, CancellationToken cancellationToken) =>
        ShowAsync(json, report => Task.Factory.StartNew(
            () => work((done, total) => report(new ControlProgress { Step = step, DoneBytes = done, TotalBytes = total }), cancellationToken), cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default));

    private static async Task<T> ShowAsync<T>(bool json, Func<Action<ControlProgress>, Task<T>> run)
    {
        if (Console.IsErrorRedirected || json)
        {
            return await run(_ => { });
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(async progress =>
            {
                var bar = progress.AddTask("…");
                return await run(line =>
                {
                    bar.Description = line.Step ?? "…";
                    bar.MaxValue = Math.Max(line.TotalBytes, 1);
                    bar.Value = line.DoneBytes;
                });
            });
    }
}
