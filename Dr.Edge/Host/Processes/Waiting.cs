namespace Dr.Edge.Host.Processes;

/// <summary>Waits for something that the operating system does not announce.</summary>
internal static class Waiting
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(25);

    /// <summary>False when it has not come true within <paramref name="timeout"/>.</summary>
    public static async Task<bool> UntilAsync(Func<bool> condition, TimeSpan timeout, TimeProvider time, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        while (!condition())
        {
            if (time.GetElapsedTime(start) >= timeout)
            {
                return false;
            }

            await Task.Delay(Step, time, cancellationToken);
        }

        return true;
    }
}
