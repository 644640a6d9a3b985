using Spectre.Console;

namespace Dr.Simulator.Reports;

/// <summary>A progress bar on standard error while many years run; nothing where nobody looks, and standard output stays clean for machines.</summary>
internal static class YearProgress
{
    /// <summary>Fewer are over before a bar would be read.</summary>
    private const int WorthABar = 8;

    public static T Run<T>(int years, Func<Action, T> work)
    {
        if (years < WorthABar || Console.IsErrorRedirected)
        {
            return work(() => { });
        }

        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        return console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new SpinnerColumn()).Start(context =>
        {
            var task = context.AddTask($"{years} years", maxValue: years);
            return work(() => task.Increment(1));
        });
    }
}
