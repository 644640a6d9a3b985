using System.Diagnostics;

namespace Dr.Tests;

/// <summary>Waits for what has no event of its own, and says what it waited for when that does not come.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(string what, Func<bool> holds, TimeSpan? limit = null, Func<string?>? told = null) => TrueAsync(what, () => Task.FromResult(holds()), limit, told);

    /// <param name="limit">How long at most; null = 60 s.</param>
    /// <param name="told">What there is instead, for a test that failed.</param>
    /// <exception cref="TimeoutException">It did not come.</exception>
    public static async Task TrueAsync(string what, Func<Task<bool>> holds, TimeSpan? limit = null, Func<string?>? told = null)
    {
        var deadline = limit ?? Limit;
        var started = Stopwatch.GetTimestamp();
        while (!await holds())
        {
            if (Stopwatch.GetElapsedTime(started) > deadline)
            {
                throw new TimeoutException($"Waited {deadline.TotalSeconds:F0} s for: {what}. {told?.Invoke()}");
            }

            await Task.Delay(10);
        }
    }
}
