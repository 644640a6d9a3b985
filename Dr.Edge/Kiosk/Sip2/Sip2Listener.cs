using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>The SIP2 face on loopback: kiosks connect here as they would to the library system.</summary>
internal sealed partial class Sip2Listener(Sip2Config config, Sip2Route route, DeliveryStore store, TimeProvider time, ILogger<Sip2Listener> logger) : BackgroundService
{
    private const int KiosksMax = 16;

    /// <summary>Long enough for descriptors to come free, short enough for a reader who waits.</summary>
    private static readonly TimeSpan AcceptRetry = TimeSpan.FromMilliseconds(100);

    private readonly TcpListener _listener = new(config.Check()) { ExclusiveAddressUse = true };
    private readonly Sip2Desk _desk = new(config, store, time);

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await store.OpenAsync(cancellationToken);
        _listener.Start();
        await base.StartAsync(cancellationToken);
    }

    public override void Dispose()
    {
        _listener.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var sessions = new List<Task>();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var client = await _listener.AcceptTcpClientAsync(stoppingToken);
                sessions.RemoveAll(s => s.IsCompleted);
                if (sessions.Count >= KiosksMax)
                {
                    client.Dispose();
                    continue;
                }

                sessions.Add(ServeAsync(client, stoppingToken));
            }
            catch (Exception) when (stoppingToken.IsCancellationRequested)
            {
                // As it was asked to.
            }
            catch (Exception exception) when (exception.MayPass())
            {
                // One connection that fell over before it was taken, or no descriptors for the moment: the next may do, and the kiosk has nobody else.
                LogAcceptFailed(exception.Message);
                await Task.Delay(AcceptRetry, CancellationToken.None);
            }
        }

        await Task.WhenAll(sessions);
    }

    private async Task ServeAsync(TcpClient accepted, CancellationToken cancellationToken)
    {
        using var client = accepted;
        try
        {
            client.NoDelay = true;
            using var line = new Sip2Line(client);
            using var upstream = new Sip2Upstream(config, route, time);
            var last = new Sip2Message(Sip2Message.ResendPlease, "", [], null).ToString();
            while (await line.ReadAsync(cancellationToken) is { } text)
            {
                var answer = last;
                if (Sip2Message.Parse(text) is not { } message)
                {
                    answer = new Sip2Message(Sip2Message.ResendPlease, "", [], null).ToString();
                }
                else if (message.Command != Sip2Message.Resend)
                {
                    answer = last = (await _desk.AnswerAsync(message, upstream, cancellationToken)).ToString();
                }

                await line.WriteAsync(answer, cancellationToken);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException)
        {
            // The kiosk has gone, or this program goes.
        }
        catch (DrException exception)
        {
            LogRefused(exception.Message); // Nothing was stored, so nothing is answered: the kiosk sees the connection end.
        }
        catch (Exception exception)
        {
            LogFault(exception); // As above; one kiosk's trouble is not another's.
        }
    }

    [LoggerMessage(1514, LogLevel.Warning, "A kiosk could not be accepted: {Reason}")]
    private partial void LogAcceptFailed(string reason);

    [LoggerMessage(1515, LogLevel.Error, "The connection of a kiosk ended by a fault of this program; it may come again")]
    private partial void LogFault(Exception exception);

    [LoggerMessage(1511, LogLevel.Error, "A kiosk was turned away: {Reason}")]
    private partial void LogRefused(string reason);
}
