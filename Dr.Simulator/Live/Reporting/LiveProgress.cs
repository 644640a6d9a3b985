using Spectre.Console;

namespace Dr.Simulator.Live.Reporting;

/// <summary>What goes on, on standard error: a bar where somebody looks, a line for each event where nobody does; standard output stays clean for the result.</summary>
internal sealed class LiveProgress : IDisposable
{
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private IAnsiConsole? _console;
    private ProgressTask? _bar;
    private Task _drawing = Task.CompletedTask;
    private string _last = "";

    private LiveProgress()
    {
    }

    public static LiveProgress Start(LiveOptions options)
    {
        var progress = new LiveProgress();
        if (Console.IsErrorRedirected)
        {
            return progress;
        }

        progress._console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
        var drawn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        progress._drawing = progress._console.Progress().AutoClear(true).Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn(), new SpinnerColumn()).StartAsync(context =>
        {
            progress._bar = context.AddTask($"{options.Length.TotalMinutes:0.#} minutes of faults", maxValue: 1);
            drawn.SetResult();
            return progress._over.Task;
        });
        drawn.Task.Wait();
        return progress;
    }

    public void Building(string what, double share) => Show($"building: {what}", share);

    /// <summary>Where nobody looks, the timeline says what strikes.</summary>
    public void Striking(double share, string what)
    {
        if (_console is not null)
        {
            Show(what, share);
        }
    }

    public void Judging(string what) => Show($"judging: {what}", 1);

    public void Follow(TimelineEntry entry)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{entry.At:HH:mm:ss}  {entry.What}");
        lock (_lock)
        {
            if (_console is { } console)
            {
                console.WriteLine(line);
            }
            else
            {
                Console.Error.WriteLine(line);
            }
        }
    }

    /// <summary>Takes the bar away. May be called again.</summary>
    public void Dispose()
    {
        _over.TrySetResult();
        _drawing.Wait();
    }

    private void Show(string what, double share)
    {
        lock (_lock)
        {
            if (_bar is { } bar)
            {
                (bar.Description, bar.Value) = (Markup.Escape(what), Math.Clamp(share, 0, 1));
            }
            else if (what != _last && _console is null)
            {
                Console.Error.WriteLine($"{DateTimeOffset.UtcNow:HH:mm:ss}  {what}");
            }

            _last = what;
        }
    }
}
