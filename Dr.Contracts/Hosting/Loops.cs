namespace Dr.Contracts.Hosting;

/// <summary>Loops that run beside each other for as long as their service does.</summary>
public static class Loops
{
    /// <summary>
    /// Completes when all have ended, and fails as soon as one fails. <see cref="Task.WhenAll(IEnumerable{Task})"/> would tell of a failure only when the others have ended too, which is at the stop of the program: until then that loop
    /// would be gone and nobody know.
    /// </summary>
    public static async Task AllOrFirstFailureAsync(IEnumerable<Task> loops)
    {
        var left = loops.ToHashSet();
        while (left.Count > 0)
        {
            var ended = await Task.WhenAny(left);
            left.Remove(ended);
            await ended;
        }
    }
}
