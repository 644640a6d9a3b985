using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;
using Dr.Edge.Buffers;
using Dr.Edge.Hosting;
using Dr.Edge.Link;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>The real link of one device, with an executor that counts and a lease listener that records.</summary>
internal sealed class TestEdge : IAsyncDisposable
{
    private readonly IHost _host;

    private TestEdge(IHost host, DeviceId device) => (_host, Device) = (host, device);

    public DeviceId Device { get; }

    public IOutbox Outbox => _host.Services.GetRequiredService<IOutbox>();

    public EdgeBuffer Buffer => _host.Services.GetRequiredService<EdgeBuffer>();

    public LinkState State => _host.Services.GetRequiredService<LinkState>();

    public EpochMemory Epochs => _host.Services.GetRequiredService<EpochMemory>();

    public IBeatTrigger Trigger => _host.Services.GetRequiredService<IBeatTrigger>();

    public TestPart Part => _host.Services.GetRequiredService<TestPart>();

    public static async Task<TestEdge> StartAsync(string device, string data, BrokerAddress broker, Func<LinkOptions, LinkOptions>? adjust = null, BrokerTls? tls = null, IBrokerConnector? connector = null)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddLogging();
        var config = new EdgeConfig { Device = device, Site = "street", Roles = ["kiosk"], Data = data, Brokers = [broker.ToString()] };
        builder.Services.AddLink(config);
        var options = (LinkOptions)builder.Services.Last(d => d.ServiceType == typeof(LinkOptions)).ImplementationInstance!;
        options = options with { ProbePeriod = TimeSpan.FromSeconds(1), ConnectTimeout = TimeSpan.FromSeconds(3), AcknowledgeTimeout = TimeSpan.FromSeconds(1), ResultRepeat = TimeSpan.FromSeconds(1) };
        builder.Services.Replace(ServiceDescriptor.Singleton(adjust?.Invoke(options) ?? options));
        if (tls is not null)
        {
            builder.Services.AddSingleton(tls);
        }

        if (connector is not null)
        {
            builder.Services.Replace(ServiceDescriptor.Singleton(connector));
        }

        builder.Services.AddSingleton<TestPart>();
        builder.Services.AddSingleton<ICommandExecutor>(p => p.GetRequiredService<TestPart>());
        builder.Services.AddSingleton<IBeatContributor>(p => p.GetRequiredService<TestPart>());
        builder.Services.AddSingleton<ILeaseListener>(p => p.GetRequiredService<TestPart>());
        var host = builder.Build();
        await host.StartAsync();
        return new TestEdge(host, new DeviceId(device));
    }

    public Task AddAsync(int index, string? body = null) =>
        Outbox.AddAsync(Lane.Transactions, new DataRow { Kind = "kiosk.transaction", Key = $"t{index}", At = DateTimeOffset.UtcNow, Body = body ?? $"{{\"n\":{index}}}" }, CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        await ((IAsyncDisposable)_host).DisposeAsync();
    }
}
