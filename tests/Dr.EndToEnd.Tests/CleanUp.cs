namespace Dr.EndToEnd.Tests;

/// <summary>The end of a test that has many parts: each is put away whatever becomes of the others, in order, and every failure is told.</summary>
internal static class CleanUp
{
    /// <exception cref="AggregateException">What failed, all of it, after everything was tried.</exception>
    public static async Task AllAsync(params IEnumerable<Func<Task>> steps)
    {
        List<Exception> failures = [];
        foreach (var step in steps)
        {
            try
            {
                await step();
            }
            catch (Exception exception)
            {
                failures.Add(exception);
            }
        }

        if (failures.Count > 0)
        {
            throw new AggregateException("Not everything that the test started could be put away.", failures);
        }
    }

    public static IEnumerable<Func<Task>> Of(IEnumerable<IAsyncDisposable> parts) => parts.Select(part => (Func<Task>)(() => part.DisposeAsync().AsTask()));
}
