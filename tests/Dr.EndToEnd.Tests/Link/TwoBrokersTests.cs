using Dr.Contracts.Ids;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>Two brokers without any tie between them: the silo hears both, a device uses the first that answers and is of use.</summary>
[Collection(nameof(LinkCollection))]
public sealed class TwoBrokersTests : IAsyncLifetime
{
    private static readonly DeviceId Kiosk = new("kiosk-1");
    private readonly Embedded _first = new();
    private readonly Mosquitto _second = new();
    private readonly string _data = Directory.CreateTempSubdirectory("dr-two-brokers-").FullName;

    public async ValueTask InitializeAsync()
    {
        await _first.StartAsync();
        await _second.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
        Directory.Delete(_data, recursive: true);
    }

    [Fact]
    public async Task When_the_first_broker_dies_the_device_goes_on_at_the_second_and_is_judged_only_when_it_had_time_to()
    {
        await using var silo = await TestSilo.StartAsync(_first.Address, more: _second.Address);
        await using var edge = await TestEdge.StartAsync(Kiosk.Value, _data, _first.Address, options => options with { Brokers = [_first.Address, _second.Address] });
        await Eventually.TrueAsync("a birth was heard", () => !silo.Plane.Births.IsEmpty);
        await Eventually.TrueAsync("both brokers are heard", () => silo.Connected);
        await edge.AddAsync(1);
        await Eventually.TrueAsync("the row was committed by the first broker", () => silo.Plane.Rows(Kiosk, 0).Count == 1);

        await _first.KillAsync();
        await edge.AddAsync(2);
        await Eventually.TrueAsync("the silo has noticed", () => !silo.Connected);
        silo.HasBroker.ShouldBeTrue("the second is there");
        await Eventually.TrueAsync("the row was committed by the second broker", () => silo.Plane.Rows(Kiosk, 0).Count == 2);
        await Eventually.TrueAsync("and acknowledged there", () => edge.State.Connected);
    }

    [Fact]
    public async Task A_broker_at_which_nobody_acknowledges_is_left_for_the_next()
    {
        await using var silo = await TestSilo.StartAsync(_second.Address);
        await using var edge = await TestEdge.StartAsync(Kiosk.Value, _data, _first.Address, options => options with { Brokers = [_first.Address, _second.Address], UnheardAfter = TimeSpan.FromMilliseconds(500) });
        await edge.AddAsync(1);
        await Eventually.TrueAsync("the row was committed by the broker that is heard", () => silo.Plane.Rows(Kiosk, 0).Count == 1);
    }
}
