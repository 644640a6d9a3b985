using System.Diagnostics;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>Waits for what has no event of its own in another process.</summary>
internal static class Waiting
{
    public static Task UntilAsync(string what, Func<bool> holds, TimeSpan? limit = null) => UntilAsync(what, () => Task.FromResult(holds()), limit);

    /// <param name="told">What there is instead, for a test that failed.</param>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds, TimeSpan? limit = null, Func<string>? told = null)
    {
        var deadline = limit ?? TimeSpan.FromSeconds(60);
        var started = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(started) > deadline)
            {
                throw new TimeoutException($"Waited {deadline.TotalSeconds:F0} s for {what}. {told?.Invoke()}");
            }

            await Task.Delay(50);
        }
    }
}
