using Spectre.Console;

namespace Dr.Edge.Cli;

/// <summary>Asks for something that takes a while; on a terminal a progress bar on standard error shows how far it is.</summary>
internal static class ProgressShell
{
    public static async Task<T> RunAsync<T>(CommandContext context, string path, object? request)
    {
        Task<T> Send(Action<ControlProgress> onProgress) => context.Client.StreamAsync<T>(HttpMethod.Post, path, request, onProgress, context.CancellationToken);

        if (Console.IsErrorRedirected || context.Json)
        {
            return await Send(_ => { });
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return await console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(async progress =>
            {
                var bar = progress.AddTask("…");
                return await Send(line =>
                {
                    bar.Description = line.Step ?? "…";
                    bar.MaxValue = Math.Max(line.TotalBytes, 1);
                    bar.Value = line.DoneBytes;
                });
            });
    }
}
