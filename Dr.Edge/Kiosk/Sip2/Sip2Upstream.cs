using System.Net.Sockets;
using Dr.Edge.Host.Config;

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>
/// One connection to the library system of the active site, which is left when that is another one. Servers are tried in order; only one that answers and says that it is on line counts. One question at a time; no answer within the time-out ends the connection, so
/// that a late answer is never taken for that of the next question.
/// </summary>
internal sealed class Sip2Upstream(Sip2Config config, Sip2Route route, TimeProvider time) : IDisposable
{
    private Sip2Line? _line;
    private (long At, IReadOnlyList<string> Servers)? _failed;

    /// <summary>The server that answers; null while none does.</summary>
    public string? Server { get; private set; }

    /// <summary>What the connection signs in with: the kiosk's own message, so that another server gets it too.</summary>
    public string? Login { get; set; }

    public string? Trouble { get; private set; }

    /// <summary>The answer; null when there is none, for whatever reason.</summary>
    public async Task<Sip2Message?> AskAsync(Sip2Message message, CancellationToken cancellationToken)
    {
        var servers = route.Servers();
        if (_line is not null && !servers.Contains(Server, StringComparer.Ordinal))
        {
            Fail($"{Server}: the system is at another site");
        }

        if (_line is null && (IsTooSoon(servers) || !await ConnectAsync(servers, cancellationToken)))
        {
            return null;
        }

        try
        {
            return await ExchangeAsync(_line!, message, cancellationToken) ?? throw new IOException("it closed the connection, or answered something else");
        }
        catch (Exception exception) when (IsFault(exception, cancellationToken))
        {
            Fail($"{Server}: {Words(exception)}");
            return null;
        }
    }

    public void Dispose() => _line?.Dispose();

    private async Task<bool> ConnectAsync(IReadOnlyList<string> servers, CancellationToken cancellationToken)
    {
        if (servers.Count == 0)
        {
            Trouble = "kiosk.sip2 names no server of the site that the system is at";
        }

        foreach (var server in servers)
        {
            var target = HostPort.TryParse(server, out var parsed) ? parsed : throw new InvariantException($"'{server}' was checked at the start");
            var client = new TcpClient { NoDelay = true };
            Sip2Line? line = null;
            try
            {
                using (var deadline = Deadline(cancellationToken))
                {
                    await client.ConnectAsync(target.Host, target.Port, deadline.Token);
                }

                line = new Sip2Line(client);
                if (Login is { } login && (await ExchangeAsync(line, Sip2Message.Parse(login)!, cancellationToken))?.Fixed != "1")
                {
                    throw new IOException("it does not let the kiosk sign in");
                }

                var status = await ExchangeAsync(line, new Sip2Message(Sip2Message.Status, "00802.00", [], null), cancellationToken);
                if (status?.Fixed[0] != 'Y')
                {
                    throw new IOException("it says that it is not on line");
                }

                (_line, Server, Trouble, _failed) = (line, server, null, null);
                return true;
            }
            catch (Exception exception) when (IsFault(exception, cancellationToken))
            {
                line?.Dispose();
                client.Dispose();
                Trouble = $"{server}: {Words(exception)}";
            }
        }

        _failed = (time.GetTimestamp(), servers);
        return false;
    }

    /// <summary>The same servers did not answer a moment ago. Others are asked at once.</summary>
    private bool IsTooSoon(IReadOnlyList<string> servers) => _failed is { } failed && failed.Servers.SequenceEqual(servers, StringComparer.Ordinal) && time.GetElapsedTime(failed.At) < config.Retry;

    private async Task<Sip2Message?> ExchangeAsync(Sip2Line line, Sip2Message message, CancellationToken cancellationToken)
    {
        using var deadline = Deadline(cancellationToken);
        await line.WriteAsync(message.ToString(), deadline.Token);
        var text = await line.ReadAsync(deadline.Token);
        return text is not null && Sip2Message.Parse(text) is { } answer && (Sip2OffLine.IsAnswerTo(message, answer) || answer.Command == Sip2Message.ResendPlease) ? answer : null;
    }

    private void Fail(string trouble)
    {
        _line?.Dispose();
        (_line, Server, Trouble) = (null, null, trouble);
    }

    private CancellationTokenSource Deadline(CancellationToken cancellationToken)
    {
        var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(config.Timeout);
        return deadline;
    }

    private string Words(Exception exception) => exception is OperationCanceledException ? $"no answer within {config.Timeout.TotalSeconds:0.#} s" : exception.Message;

    private static bool IsFault(Exception exception, CancellationToken cancellationToken) =>
        exception is IOException or SocketException or DrException or ObjectDisposedException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested);
}
