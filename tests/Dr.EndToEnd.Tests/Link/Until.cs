using System.Diagnostics;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>Awaits a condition; says what it was waiting for when it does not come.</summary>
internal static class Until
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(string what, Func<bool> condition, TimeSpan? within = null) => TrueAsync(what, () => Task.FromResult(condition()), within);

    public static async Task TrueAsync(string what, Func<Task<bool>> condition, TimeSpan? within = null)
    {
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(start) > (within ?? Longest))
            {
                throw new TimeoutException($"Waited {(within ?? Longest).TotalSeconds:0} s in vain until {what}.");
            }

            await Task.Delay(20);
        }
    }
}
