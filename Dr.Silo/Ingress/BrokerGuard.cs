using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Mqtt.Client;
using Dr.Contracts.Tls;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace Dr.Silo.Ingress;

/// <summary>
/// Who may do what at the embedded broker when it speaks TLS: whoever has a certificate may use what <see cref="TopicAccess"/> gives its common name, until the certificate is revoked; then its connection is cut.
/// </summary>
internal sealed partial class BrokerGuard : IDisposable
{
    private const string NameItem = "dr.name";

    /// <summary>A client whose CONNECT was let in at the very moment of the cut is no client of the server yet: it is looked for again.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(500);

    private readonly ConcurrentDictionary<string, X509Certificate2> _connected = new(StringComparer.Ordinal);
    private readonly MqttServer _server;
    private readonly BrokerTls _tls;
    private readonly ILogger _logger;

    public BrokerGuard(MqttServer server, BrokerTls tls, ILogger logger)
    {
        (_server, _tls, _logger) = (server, tls, logger);
        if (tls.Revocations is { } revocations)
        {
            revocations.Changed += OnRevoked;
        }

        server.ValidatingConnectionAsync += OnConnectAsync;
        server.InterceptingPublishAsync += OnPublishAsync;
        server.InterceptingSubscriptionAsync += OnSubscribeAsync;
    }

    public void Dispose()
    {
        if (_tls.Revocations is { } revocations)
        {
            revocations.Changed -= OnRevoked;
        }
    }

    private Task OnConnectAsync(ValidatingConnectionEventArgs e)
    {
        var name = e.ClientCertificate is { } certificate ? CertificateCheck.CommonNameOf(certificate) : null;
        var isOwn = name is not null && TopicAccess.MayConnect(name, e.ClientId);
        if (isOwn)
        {
            // Known before it is judged: a revocation in between then finds it. One entry a device, so it need not be taken out again.
            _connected[e.ClientId] = e.ClientCertificate!;
        }

        // Checked once more here, with the certificate in hand: the handshake let it in.
        if (!isOwn || _tls.FindClientProblem(e.ClientCertificate!, null) is not null)
        {
            LogRefused(name ?? "nobody", "connect as", e.ClientId);
            e.ReasonCode = MqttConnectReasonCode.NotAuthorized;
            return Task.CompletedTask;
        }

        e.SessionItems[NameItem] = name!;
        return Task.CompletedTask;
    }

    private void OnRevoked() => _ = CutAsync();

    private async Task CutAsync()
    {
        for (var look = 0; look < 2; look++)
        {
            foreach (var (client, certificate) in _connected)
            {
                await CutIfRevokedAsync(client, certificate);
            }

            await Task.Delay(LookAgain);
        }
    }

    private async Task CutIfRevokedAsync(string client, X509Certificate2 certificate)
    {
        try
        {
            if (!_tls.Revocations!.IsRevoked(certificate))
            {
                return;
            }

            if ((await _server.GetClientsAsync()).Any(c => c.Id == client))
            {
                LogCut(client);
                await _server.DisconnectClientAsync(client, new MqttServerClientDisconnectOptions { ReasonCode = MqttDisconnectReasonCode.NotAuthorized });
            }
        }
        catch (Exception exception) when (exception is InvalidOperationException or ObjectDisposedException)
        {
            // It left by itself, or the broker is stopping.
            LogGone(client, exception.Message);
        }
        catch (Exception exception)
        {
            // One that cannot be cut must not spare the others behind it.
            LogNotCut(exception, client);
        }
    }

    /// <summary>A will comes through here too, when its time has come.</summary>
    private Task OnPublishAsync(InterceptingPublishEventArgs e)
    {
        if (NameOf(e.SessionItems) is { } name && !TopicAccess.MayPublish(name, e.ApplicationMessage.Topic))
        {
            LogRefused(name, "publish to", e.ApplicationMessage.Topic);
            e.ProcessPublish = false;
            e.Response.ReasonCode = MqttPubAckReasonCode.NotAuthorized;
        }

        return Task.CompletedTask;
    }

    private Task OnSubscribeAsync(InterceptingSubscriptionEventArgs e)
    {
        if (NameOf(e.SessionItems) is { } name && !TopicAccess.MaySubscribe(name, e.TopicFilter.Topic))
        {
            LogRefused(name, "subscribe to", e.TopicFilter.Topic);
            e.ProcessSubscription = false;
            e.Response.ReasonCode = MqttSubscribeReasonCode.NotAuthorized;
        }

        return Task.CompletedTask;
    }

    /// <summary>Null for what the broker sends itself; every client was given a name when it connected.</summary>
    private static string? NameOf(System.Collections.IDictionary? items) => items?[NameItem] as string;

    [LoggerMessage(3634, LogLevel.Warning, "The certificate of {Client} was revoked: its connection is cut")]
    private partial void LogCut(string client);

    [LoggerMessage(3635, LogLevel.Debug, "{Client} was gone before it could be cut: {Reason}")]
    private partial void LogGone(string client, string reason);

    [LoggerMessage(3636, LogLevel.Error, "The certificate of {Client} was revoked and its connection could not be cut; it is looked for again")]
    private partial void LogNotCut(Exception exception, string client);

    [LoggerMessage(3633, LogLevel.Warning, "{Name} may not {Act} {What} and was refused")]
    private partial void LogRefused(string name, string act, string what);
}
