using System.Net.Sockets;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Checks;

/// <summary>Runs a component's check once. A process that is gone is told apart from one that does not answer.</summary>
internal static class ComponentCheck
{
    private static readonly CheckOptions ProcessOnly = new() { Process = true };
    private static readonly HttpClient Http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero }) { Timeout = Timeout.InfiniteTimeSpan };

    public static CheckOptions OptionsOf(IComponentDriver driver) => driver.Options.Check ?? ProcessOnly;

    public static async Task<CheckOutcome> RunAsync(IComponentDriver driver, CancellationToken cancellationToken)
    {
        try
        {
            if (await IsGoneAsync(driver, cancellationToken))
            {
                return Gone;
            }

            var outcome = await AskInTimeAsync(driver, OptionsOf(driver), cancellationToken);

            // A process that dies while it is asked gives no answer first and is gone a moment later.
            return outcome.Verdict == CheckVerdict.Missed && await IsGoneAsync(driver, cancellationToken) ? Gone : outcome;
        }
        catch (Exception exception) when (exception.MayPass() && !cancellationToken.IsCancellationRequested)
        {
            // Nor does looking for its process (no descriptors, a pid file that cannot be read) say that all is well.
            return CheckOutcome.Missed(exception.Message);
        }
    }

    private static CheckOutcome Gone => CheckOutcome.Gone("its process is gone");

    private static async Task<bool> IsGoneAsync(IComponentDriver driver, CancellationToken cancellationToken) =>
        !driver.Options.Background && await driver.ObserveAsync(cancellationToken) != ComponentPresence.Running;

    private static async Task<CheckOutcome> AskInTimeAsync(IComponentDriver driver, CheckOptions check, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(check.Timeout);
        try
        {
            // Also what ignores its token, as name resolution does, is not waited for longer.
            return await AskAsync(driver, check, deadline.Token).WaitAsync(deadline.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return CheckOutcome.Missed($"no answer within {check.Timeout.TotalSeconds:0.#} s");
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Whatever asking throws is the answer: a driver's surprise must not end the agent, and with it the volumes.
            return CheckOutcome.Missed(exception.Message);
        }
    }

    private static async Task<CheckOutcome> AskAsync(IComponentDriver driver, CheckOptions check, CancellationToken cancellationToken)
    {
        if (check.Tcp is { } tcp && HostPort.TryParse(tcp, out var target))
        {
            using var client = new TcpClient();
            await client.ConnectAsync(target.Host, target.Port, cancellationToken);
            return CheckOutcome.Passed();
        }

        if (check.Http is { } address)
        {
            using var response = await Http.GetAsync(new Uri(address), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return (int)response.StatusCode < 400 ? CheckOutcome.Passed() : CheckOutcome.Missed($"answered {(int)response.StatusCode} {response.ReasonPhrase}");
        }

        if (check.Sql is { } statement)
        {
            await SqlCheck.RunAsync(driver.Options.Kind, check.Connection ?? driver.DefaultConnection!, statement, check.Timeout, cancellationToken);
            return CheckOutcome.Passed();
        }

        if (check.Command is { } line)
        {
            var result = await ProgramRunner.ShellAsync(line, await OsUser.FindAsync(driver.Options.User, cancellationToken), check.Timeout, cancellationToken);
            return result.Succeeded ? CheckOutcome.Passed() : CheckOutcome.Missed($"status {result.ExitCode}: {result.LastWords}");
        }

        return CheckOutcome.Passed();
    }
}
