using System.Diagnostics;

namespace Dr.Simulator.Live.World;

/// <summary>Waiting on a condition, with a deadline that says what was waited for.</summary>
internal static class Wait
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(100);

    /// <exception cref="DrException">It did not come true in time; <paramref name="state"/> says how things are instead.</exception>
    public static Task UntilAsync(string what, Func<bool> holds, TimeSpan within, CancellationToken cancellationToken, Func<string>? state = null) =>
        UntilAsync(what, () => Task.FromResult(holds()), within, cancellationToken, state);

    /// <inheritdoc cref="UntilAsync(string, Func{bool}, TimeSpan, CancellationToken, Func{string}?)"/>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds, TimeSpan within, CancellationToken cancellationToken, Func<string>? state = null)
    {
        var watch = Stopwatch.StartNew();
        while (!await holds())
        {
            if (watch.Elapsed > within)
            {
                throw new DrException($"Waited {within.TotalSeconds:F0} s in vain for {what}.", state?.Invoke());
            }

            await Task.Delay(Pace, cancellationToken);
        }
    }
}
