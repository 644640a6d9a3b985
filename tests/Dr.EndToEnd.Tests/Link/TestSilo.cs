using Dr.Contracts.Grains;
using Dr.Contracts.Mqtt.Client;
using Dr.Silo.Ingress;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>The real ingress over a control plane in memory.</summary>
internal sealed class TestSilo : IAsyncDisposable
{
    private readonly IHost _host;

    private TestSilo(IHost host) => _host = host;

    public FakeControlPlane Plane => (FakeControlPlane)_host.Services.GetRequiredService<IDeviceCalls>();

    public IDownlink Downlink => _host.Services.GetRequiredService<IDownlink>();

    public bool Connected => _host.Services.GetRequiredService<IngressService>().Connected;

    public bool HasBroker => _host.Services.GetRequiredService<IngressService>().HasBroker;

    public static async Task<TestSilo> StartAsync(BrokerAddress broker, FakeControlPlane? plane = null, BrokerTls? tls = null, params BrokerAddress[] more)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddLogging();
        builder.Services.AddSingleton<IDeviceCalls>(plane ?? new FakeControlPlane());
        builder.Services.AddIngress(new IngressOptions { Brokers = [broker, .. more], Tls = tls, ClientId = $"silo-{Guid.NewGuid():N}", ProbePeriod = TimeSpan.FromSeconds(1) });
        var host = builder.Build();
        await host.StartAsync();
        await host.Services.GetRequiredService<IngressService>().Ready.WaitAsync(TimeSpan.FromSeconds(60));
        return new TestSilo(host);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
    }
}
