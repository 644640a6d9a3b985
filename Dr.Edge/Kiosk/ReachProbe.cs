using System.Net.Sockets;

namespace Dr.Edge.Kiosk;

/// <summary>
/// Tries one target once. <c>http(s)://…</c> by asking. <c>tcp://host:port</c> by connecting and saying at once that nothing will follow (a half-close): a kernel accepts connections for a program that stands
/// still, but only the program itself greets whoever comes or closes behind whoever goes. <c>connect://host:port</c> by connecting alone, for a program that does neither.
/// </summary>
internal sealed class ReachProbe(TimeProvider time) : IDisposable
{
    /// <summary>What does not answer within this is not there for a reader who is waiting at the kiosk either.</summary>
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(1);

    /// <summary>A program whose kernel has accepted at once may be busy: it gets longer, and still within the round of asking that the control plane makes of a suspicion (5 s).</summary>
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(3);

    private const int FirstServerError = 500;

    private readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, ConnectTimeout = Within, AllowAutoRedirect = false });

    /// <summary>Never throws for a target that is down, misspelt or unknown: that is the report.</summary>
    public async Task<ReachReport> TryAsync(string target, string? address, CancellationToken cancellationToken)
    {
        var start = time.GetTimestamp();
        var (reachable, failed, detail) = await AskAsync(address, cancellationToken);
        return new ReachReport
        {
            Target = target,
            Reachable = reachable,
            TransactionFailed = failed,
            At = time.GetUtcNow(),
            RoundTripMs = Math.Round(time.GetElapsedTime(start).TotalMilliseconds, 1),
            Detail = detail,
        };
    }

    public void Dispose() => _http.Dispose();

    private async Task<(bool Reachable, bool Failed, string? Detail)> AskAsync(string? address, CancellationToken cancellationToken)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri))
        {
            return (false, false, address is null ? "unknown target" : "its address is not tcp://host:port, connect://host:port or http://…");
        }

        using var limit = new CancellationTokenSource(Within, time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var allowed = Within;
        try
        {
            switch (uri.Scheme)
            {
                case "tcp" or "connect":
                    using (var socket = new Socket(SocketType.Stream, ProtocolType.Tcp))
                    {
                        await socket.ConnectAsync(uri.Host, uri.Port, deadline.Token);
                        if (uri.Scheme == "tcp")
                        {
                            allowed = AnswerWithin;
                            using var longer = new CancellationTokenSource(AnswerWithin, time);
                            using var answer = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, longer.Token);
                            await AnswerAsync(socket, answer.Token);
                        }

                        return (true, false, null);
                    }

                case "http" or "https":
                    using (var response = await _http.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, deadline.Token))
                    {
                        var failed = (int)response.StatusCode >= FirstServerError;
                        return (true, failed, failed ? $"answers {(int)response.StatusCode}" : null);
                    }

                default:
                    return (false, false, $"cannot probe {uri.Scheme}");
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return (false, false, $"{(allowed == Within ? "no answer" : "connections are accepted, but nobody answers")} within {allowed.TotalSeconds:0.#} s");
        }
        catch (SocketException exception) when (uri.Scheme == "tcp" && exception.SocketErrorCode == SocketError.ConnectionReset)
        {
            // Accepted, and closed so hard and so early that connecting only heard of the end.
            return (true, false, null);
        }
        catch (Exception exception) when (exception.MayPass() && !cancellationToken.IsCancellationRequested)
        {
            return (false, false, exception.Message);
        }
    }

    /// <summary>Waits until whoever accepted does anything: a word, an end or a reset are all of them answers of somebody who runs.</summary>
    private static async Task AnswerAsync(Socket socket, CancellationToken cancellationToken)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
            await socket.ReceiveAsync(new byte[1], SocketFlags.None, cancellationToken);
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.NotConnected or SocketError.Shutdown)
        {
            // Closed so early and so hard that nothing could be asked any more.
        }
    }
}
