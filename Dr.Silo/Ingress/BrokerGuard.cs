using Dr.Contracts.Mqtt.Client;
using Dr.Contracts.Tls;
using Microsoft.Extensions.Logging;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace Dr.Silo.Ingress;

/// <summary>Who may do what at the embedded broker when it speaks TLS: whoever has a certificate may use what <see cref="TopicAccess"/> gives its common name.</summary>
internal sealed partial class BrokerGuard
{
    private const string NameItem = "dr.name";
    private readonly BrokerTls _tls;
    private readonly ILogger _logger;

    public BrokerGuard(MqttServer server, BrokerTls tls, ILogger logger)
    {
        (_tls, _logger) = (tls, logger);
        server.ValidatingConnectionAsync += OnConnectAsync;
        server.InterceptingPublishAsync += OnPublishAsync;
        server.InterceptingSubscriptionAsync += OnSubscribeAsync;
    }

    private Task OnConnectAsync(ValidatingConnectionEventArgs e)
    {
        // Checked once more here, with the certificate in hand: the handshake let it in.
        var name = e.ClientCertificate is { } certificate && _tls.FindClientProblem(certificate, null) is null ? CertificateCheck.CommonNameOf(certificate) : null;
        if (name is null || !TopicAccess.MayConnect(name, e.ClientId))
        {
            LogRefused(name ?? "nobody", "connect as", e.ClientId);
            e.ReasonCode = MqttConnectReasonCode.NotAuthorized;
            return Task.CompletedTask;
        }

        e.SessionItems[NameItem] = name;
        return Task.CompletedTask;
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

    [LoggerMessage(3633, LogLevel.Warning, "{Name} may not {Act} {What} and was refused")]
    private partial void LogRefused(string name, string act, string what);
}
