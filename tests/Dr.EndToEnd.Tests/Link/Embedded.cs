using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Mqtt.Client;
using Dr.Silo.Ingress;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>The silo's own broker, on a free port.</summary>
internal sealed class Embedded : ITestBroker
{
    private readonly BrokerTls? _tls;
    private EmbeddedBroker? _broker;

    public Embedded(BrokerTls? tls = null)
    {
        _tls = tls;
        Address = new BrokerAddress("127.0.0.1", FreePorts.Next());
    }

    public BrokerAddress Address { get; }

    public async Task StartAsync()
    {
        _broker = new EmbeddedBroker(new IngressOptions { Tls = _tls, Listen = new IPEndPoint(IPAddress.Loopback, Address.Port) }, NullLogger<EmbeddedBroker>.Instance);
        await _broker.StartAsync(CancellationToken.None);
    }

    public async Task KillAsync()
    {
        await _broker!.DisposeAsync();
        _broker = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null)
        {
            await KillAsync();
        }
    }
}
