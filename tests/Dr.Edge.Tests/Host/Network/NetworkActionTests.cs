using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Network;

namespace Dr.Edge.Tests.Host.Network;

[Collection(HostStandCollection.Name)]
public sealed class NetworkActionTests : IAsyncLifetime
{
    private readonly string _address = $"127.77.{Random.Shared.Next(2, 250)}.{Random.Shared.Next(2, 250)}/32";
    private HostStand _stand = null!;

    public async ValueTask InitializeAsync() => _stand = await HostStand.CreateBareAsync();

    public async ValueTask DisposeAsync()
    {
        await new AddressAction(Address()).RemoveAsync(Epoch.First, default);
        await _stand.DisposeAsync();
    }

    [Fact]
    public async Task An_address_comes_and_goes_any_number_of_times_and_is_read_back()
    {
        var action = new AddressAction(Address());
        (await action.ReadAsync(default)).ShouldBeFalse();
        await action.ApplyAsync(Epoch.First, default);
        await action.ApplyAsync(Epoch.First, default);
        (await action.ReadAsync(default)).ShouldBeTrue();
        (await HostStand.RunAsync("ip", "address", "show", "dev", "lo")).Output.ShouldContain($"inet {_address}");
        await action.RemoveAsync(Epoch.First, default);
        await action.RemoveAsync(Epoch.First, default);
        (await action.ReadAsync(default)).ShouldBeFalse();
    }

    [Fact]
    public async Task An_interface_that_is_not_there_is_a_clear_error()
    {
        var options = Address();
        options.Device = "nowhere0";
        (await Should.ThrowAsync<DrException>(new AddressAction(options).ApplyAsync(Epoch.First, default))).Message.ShouldContain("nowhere0");
    }

    [Fact]
    public void Only_exactly_this_address_and_prefix_counts()
    {
        const string json = """[{"ifname":"lo","addr_info":[{"family":"inet","local":"10.0.0.1","prefixlen":24}]},{"ifname":"x"}]""";
        AddressAction.Holds(json, "10.0.0.1/24").ShouldBeTrue();
        AddressAction.Holds(json, "10.0.0.1/32").ShouldBeFalse();
        AddressAction.Holds(json, "10.0.0.11/24").ShouldBeFalse();
        AddressAction.Holds("[]", "10.0.0.1/24").ShouldBeFalse();
    }

    [Fact]
    public async Task The_actions_of_a_system_carry_the_epoch_and_a_lower_one_changes_nothing()
    {
        var flag = Path.Combine(_stand.Root, "flag");
        _stand.System.Mount = Path.Combine(_stand.Root, "mnt");
        _stand.System.Network =
        [
            Address(),
            new NetworkActionOptions { Kind = NetworkActionOptions.CommandKind, Apply = $"echo $DR_EPOCH > {flag}", Remove = $"rm -f {flag}", Read = $"test -f {flag}" },
        ];
        var session = _stand.NewSession();
        await session.ApplyNetworkAsync(true, new Epoch(7), _ => { }, default);
        (await File.ReadAllTextAsync(flag)).Trim().ShouldBe("7");

        await Should.ThrowAsync<FencedException>(session.ApplyNetworkAsync(false, new Epoch(6), _ => { }, default));
        File.Exists(flag).ShouldBeTrue();

        var removed = await session.ApplyNetworkAsync(false, new Epoch(8), _ => { }, default);
        removed.Steps.ShouldAllBe(s => s.Detail == "read back");
        File.Exists(flag).ShouldBeFalse();
    }

    [Fact]
    public async Task An_action_that_reads_back_wrong_has_failed()
    {
        _stand.System.Network = [new NetworkActionOptions { Kind = NetworkActionOptions.CommandKind, Apply = "true", Remove = "true", Read = "exit 1" }];
        var wrong = await Should.ThrowAsync<DrException>(_stand.NewSession().ApplyNetworkAsync(true, Epoch.First, _ => { }, default));
        wrong.Message.ShouldContain("reads back as absent");
    }

    private NetworkActionOptions Address() => new() { Kind = NetworkActionOptions.AddressKind, Address = _address, Device = "lo" };
}
