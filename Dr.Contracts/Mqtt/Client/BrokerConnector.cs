using System.Buffers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Errors;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;

namespace Dr.Contracts.Mqtt.Client;

/// <summary>Opens connections with MQTTnet.</summary>
public sealed class BrokerConnector(TimeProvider time) : IBrokerConnector
{
    private static readonly MqttClientFactory Factory = new();

    public async Task<IBrokerConnection> ConnectAsync(BrokerSession session, CancellationToken cancellationToken)
    {
        var client = Factory.CreateMqttClient();
        var connection = new BrokerConnection(client, session, time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(session.ConnectTimeout);
        try
        {
            var result = await client.ConnectAsync(OptionsOf(session), deadline.Token);
            if (result.ResultCode != MqttClientConnectResultCode.Success)
            {
                throw Refused(session, $"{result.ResultCode} {result.ReasonString}".Trim());
            }

            connection.Start();
            return connection;
        }
        catch (Exception exception)
        {
            // Whatever went wrong, the half-made connection must not stay behind; the caller gets the reason.
            await connection.DisposeAsync();
            cancellationToken.ThrowIfCancellationRequested();
            throw exception switch
            {
                DrException => exception,
                OperationCanceledException or TimeoutException => Refused(session, $"no answer within {session.ConnectTimeout.TotalSeconds:0.#} s", exception),
                MqttCommunicationException or MqttCommunicationTimedOutException or SocketException or IOException => Refused(session, (exception.InnerException ?? exception).Message, exception),
                _ => exception,
            };
        }
    }

    private static MqttClientOptions OptionsOf(BrokerSession session)
    {
        var builder = Factory.CreateClientOptionsBuilder()
            .WithProtocolVersion(MqttProtocolVersion.V500)
            .WithTcpServer(session.Broker.Host, session.Broker.Port)
            .WithClientId(session.ClientId)
            .WithCredentials(session.ClientId, password: (string)null!)
            .WithCleanStart(session.SessionExpiry == TimeSpan.Zero)
            .WithSessionExpiryInterval((uint)session.SessionExpiry.TotalSeconds)
            .WithKeepAlivePeriod(session.KeepAlive)
            .WithReceiveMaximum(session.ReceiveMaximum)
            .WithMaximumPacketSize(LinkLimits.PayloadBytesMax + (64 * 1024))
            .WithTimeout(session.ProbePeriod + session.KeepAlive);
        if (session.Tls is { } tls)
        {
            builder = builder.WithTlsOptions(options => options
                .UseTls()
                .WithSslProtocols(SslProtocols.Tls12 | SslProtocols.Tls13)
                .WithTargetHost(session.Broker.Host)
                .WithClientCertificates([tls.Current.Own.TargetCertificate])
                .WithCertificateValidationHandler(shown => IsBroker(session, tls, shown)));
        }

        if (session.Will is { } will)
        {
            builder = builder
                .WithWillTopic(will.Topic)
                .WithWillPayload(will.Payload.ToArray())
                .WithWillContentType(will.ContentType)
                .WithWillRetain(will.Retain)
                .WithWillQualityOfServiceLevel(BrokerConnection.QualityOf(will))
                .WithWillDelayInterval((uint)session.WillDelay.TotalSeconds);
        }

        return builder.Build();
    }

    /// <exception cref="DrException">It is not the broker that was meant; thrown through the handshake, so that the reason is told.</exception>
    private static bool IsBroker(BrokerSession session, BrokerTls tls, MqttClientCertificateValidationEventArgs shown)
    {
        using var certificate = new X509Certificate2(shown.Certificate);
        return tls.FindBrokerProblem(certificate, shown.Chain, session.Broker.Host) is not { } problem
            ? true
            : throw new DrException($"The certificate of the broker {session.Broker} is not accepted here: {problem}.", "Broker and devices need certificates of the same CA, and the broker's must name the host it is reached by.", isTransient: true);
    }

    private static DrException Refused(BrokerSession session, string why, Exception? inner = null) =>
        new($"The broker {session.Broker} cannot be used: {why}.", "Check its address, that it runs, and that this machine reaches it.", inner, isTransient: true);
}
