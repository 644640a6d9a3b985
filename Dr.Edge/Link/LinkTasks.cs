namespace Dr.Edge.Link;

/// <summary>Loops that belong together.</summary>
internal static class LinkTasks
{
    /// <summary>Runs the loops side by side; when one ends, for whatever reason, the others are cancelled, all are awaited, and the first one's exception is thrown.</summary>
    public static async Task FirstEndsAllAsync(CancellationToken cancellationToken, params Func<CancellationToken, Task>[] loops)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var tasks = Array.ConvertAll(loops, loop => loop(ending.Token));
        var first = await Task.WhenAny(tasks);
        await ending.CancelAsync();
        try
        {
            await Task.WhenAll(tasks);
        }
        catch (Exception) when (first.IsCompleted)
        {
            // Ends of the others are consequences; the first one's reason follows.
        }

        await first;
    }
}
