namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>One appliance that takes the orders of <see cref="Dr.Crash.Child.Copying.CopyShell"/>.</summary>
internal interface ICopySite : IAsyncDisposable
{
    string Name { get; }

    /// <summary>Where its copies listen; what the peer is told may be a line in between.</summary>
    string Address { get; }

    /// <summary>Gives an order; a site that dies of it is started again and given it again. Answers that begin with <c>error</c> are returned like others.</summary>
    Task<string> RunAsync(string order);

    /// <summary>Where content can be written for the test to read.</summary>
    string ScratchFile { get; }
}

internal static class CopySiteExtensions
{
    /// <summary>The answer, which must not be an error.</summary>
    public static async Task<string> MustAsync(this ICopySite site, string order)
    {
        var answer = await site.RunAsync(order);
        answer.StartsWith("error", StringComparison.Ordinal).ShouldBeFalse($"{site.Name}: '{order}' → {answer}");
        return answer;
    }

    /// <summary>Asks until the answer is as wanted.</summary>
    public static async Task<string> UntilAsync(this ICopySite site, string order, Func<string, bool> wanted, string what, int seconds = 60, Func<Task<string>>? state = null)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (true)
        {
            var answer = await site.RunAsync(order);
            if (wanted(answer))
            {
                return answer;
            }

            if (watch.Elapsed.TotalSeconds >= seconds)
            {
                Assert.Fail($"{site.Name}: after {seconds} s still waiting: {what}; '{order}' → {answer}; {(state is null ? "" : await state())}");
            }

            await Task.Delay(20);
        }
    }

    public static async Task<byte[]> ContentAsync(this ICopySite site, string volume)
    {
        await site.MustAsync($"content {volume} {site.ScratchFile}");
        return await File.ReadAllBytesAsync(site.ScratchFile);
    }
}
