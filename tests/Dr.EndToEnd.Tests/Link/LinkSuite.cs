using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>What the link promises, whatever the broker. One subclass per broker.</summary>
public abstract partial class LinkSuite : IAsyncLifetime
{
    private readonly string _data = Directory.CreateTempSubdirectory("dr-link-").FullName;
    private ITestBroker _broker = null!;
    private TestSilo _silo = null!;

    protected abstract ITestBroker CreateBroker();

    public async ValueTask InitializeAsync()
    {
        _broker = CreateBroker();
        await _broker.StartAsync();
        _silo = await TestSilo.StartAsync(_broker.Address);
    }

    public async ValueTask DisposeAsync()
    {
        await _silo.DisposeAsync();
        await _broker.DisposeAsync();
        Directory.Delete(_data, recursive: true);
        GC.SuppressFinalize(this);
    }

    private static CheckSystem Check(string id, string? system = null, long epoch = 0, TimeSpan? within = null) => new()
    {
        Id = new CommandId(id),
        IssuedAt = DateTimeOffset.UtcNow,
        Deadline = DateTimeOffset.UtcNow + (within ?? TimeSpan.FromMinutes(1)),
        System = system is null ? null : new SystemId(system),
        Epoch = new Epoch(epoch),
    };

    private Task<TestEdge> StartEdgeAsync(string device = "kiosk-1") => TestEdge.StartAsync(device, Path.Combine(_data, device), _broker.Address);

    private Task UntilBornAsync(int births = 1) => Eventually.TrueAsync($"{births} births were heard", () => _silo.Plane.Births.Count >= births);
}

[Collection(nameof(LinkCollection))]
public sealed class EmbeddedLinkTests : LinkSuite
{
    protected override ITestBroker CreateBroker() => new Embedded();
}

[Collection(nameof(LinkCollection))]
public sealed class MosquittoLinkTests : LinkSuite
{
    protected override ITestBroker CreateBroker() => new Mosquitto();
}

/// <summary>One after the other: their deadlines are short.</summary>
[CollectionDefinition(nameof(LinkCollection))]
public sealed class LinkCollection;
