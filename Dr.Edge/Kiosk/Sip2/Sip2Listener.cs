using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>The SIP2 face on loopback: kiosks connect here as they would to the library system.</summary>
internal sealed partial class Sip2Listener(Sip2Config config, Sip2Route route, DeliveryStore store, TimeProvider time, ILogger<Sip2Listener> logger) : BackgroundService
{
    private const int KiosksMax = 16;
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
        try
        {
            while (!stoppingToken.IsCancellationRequested)
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
        }
        catch (OperationCanceledException)
        {
            // As it was asked to.
        }

        await Task.WhenAll(sessions);
    }

    private async Task ServeAsync(TcpClient client, CancellationToken cancellationToken)
    {
        client.NoDelay = true;
        using var line = new Sip2Line(client);
        using var upstream = new Sip2Upstream(config, route, time);
        var last = new Sip2Message(Sip2Message.ResendPlease, "", [], null).ToString();
        try
        {
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
    }

    [LoggerMessage(1511, LogLevel.Error, "A kiosk was turned away: {Reason}")]
    private partial void LogRefused(string reason);
}
