using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Network;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Host.Network;

/// <summary>Where the network of a system leads, read back also when nobody has ordered anything; files stand for what leads there.</summary>
public sealed class NetworkReadBackTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("dr-network-").FullName;
    private readonly List<NetworkPlace> _told = [];
    private readonly HostedSystemSession _session;

    public NetworkReadBackTests()
    {
        var system = new SystemConfig { Id = "web", Network = [Led("vip"), Led("name")] };
        _session = new HostedSystemSession(system, _directory, "unix:/nowhere", () => _told.Add(_session!.Health.Network), TimeProvider.System, NullLogger.Instance);
    }

    public void Dispose()
    {
        _session.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task What_is_read_back_is_in_the_next_beat_and_a_change_by_hand_is_told_at_once()
    {
        _session.Health.Network.ShouldBe(NetworkPlace.Unknown);
        await _session.ReadNetworkAsync(default);
        await _session.ApplyNetworkAsync(present: true, new Epoch(2), _ => { }, default);
        _session.Health.Network.ShouldBe(NetworkPlace.Here);

        File.Delete(Path.Combine(_directory, "vip"));
        await _session.ReadNetworkAsync(default);
        File.Delete(Path.Combine(_directory, "name"));
        await _session.ReadNetworkAsync(default);
        await _session.ReadNetworkAsync(default);
        _told.ShouldBe([NetworkPlace.Away, NetworkPlace.Here, NetworkPlace.Partly, NetworkPlace.Away]);
    }

    [Fact]
    public async Task What_cannot_be_read_is_not_known()
    {
        var action = Led("vip");
        action.Read = "exit 3";
        using var session = new HostedSystemSession(new SystemConfig { Id = "web", Network = [action] }, _directory, "unix:/nowhere", () => { }, TimeProvider.System, NullLogger.Instance);
        await session.ReadNetworkAsync(default);
        session.Health.Network.ShouldBe(NetworkPlace.Unknown);
    }

    private NetworkActionOptions Led(string name)
    {
        var file = Path.Combine(_directory, name);
        return new NetworkActionOptions { Kind = NetworkActionOptions.CommandKind, Apply = $"touch {file}", Remove = $"rm -f {file}", Read = $"test -e {file}" };
    }
}
