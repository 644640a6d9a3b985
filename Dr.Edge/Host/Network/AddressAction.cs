using System.Text.Json;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Network;

/// <summary>An address on an interface of this machine, announced to the neighbours when it comes.</summary>
internal sealed class AddressAction(NetworkActionOptions options) : INetworkAction
{
    private readonly string _address = options.Address!;
    private readonly string _device = options.Device!;

    public string Name => $"address {_address} on {_device}";

    public async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        var shown = (await RunAsync("ip", ["-json", "address", "show", "dev", _device], cancellationToken))
            .Require($"Reading the addresses of {_device}", $"Is there an interface {_device}? 'ip link' lists them.");
        return Holds(shown.Output, _address);
    }

    public async Task ApplyAsync(Epoch epoch, CancellationToken cancellationToken)
    {
        if (!await ReadAsync(cancellationToken))
        {
            var added = await RunAsync("ip", ["address", "add", _address, "dev", _device, .. IsV6 ? (string[])["nodad"] : []], cancellationToken);
            if (!await ReadAsync(cancellationToken))
            {
                added.Require($"Adding {Name}");
            }
        }

        await AnnounceAsync(cancellationToken);
    }

    public async Task RemoveAsync(Epoch epoch, CancellationToken cancellationToken)
    {
        if (await ReadAsync(cancellationToken))
        {
            var removed = await RunAsync("ip", ["address", "del", _address, "dev", _device], cancellationToken);
            if (await ReadAsync(cancellationToken))
            {
                removed.Require($"Removing {Name}");
            }
        }
    }

    /// <summary>True when the output of <c>ip -json address show</c> has exactly this address and prefix length. Pure.</summary>
    internal static bool Holds(string json, string address)
    {
        using var document = JsonDocument.Parse(json);
        foreach (var link in document.RootElement.EnumerateArray())
        {
            if (link.TryGetProperty("addr_info", out var addresses) && addresses.EnumerateArray().Any(entry =>
                entry.TryGetProperty("local", out var local) && entry.TryGetProperty("prefixlen", out var prefix) && $"{local.GetString()}/{prefix.GetInt32()}" == address))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsV6 => _address.Contains(':', StringComparison.Ordinal);

    /// <summary>Neighbours otherwise keep the old machine's hardware address for minutes. Not having the tool is no failure: they learn it in the end.</summary>
    private async Task AnnounceAsync(CancellationToken cancellationToken)
    {
        var ip = _address.Split('/')[0];
        if (_device == "lo")
        {
            return;
        }

        if (IsV6)
        {
            NeighborAdvertisement.Send(System.Net.IPAddress.Parse(ip), _device);
        }
        else if (Tools.FirstOrDefault(File.Exists) is { } tool)
        {
            // One gratuitous ARP now, and one a second later from a process of its own: nobody waits for that.
            await DetachedProgram.StartAsync(tool, ["-A", "-c", "2", "-I", _device, ip], "/dev/null", cancellationToken);
        }
    }

    private static readonly string[] Tools = ["/usr/sbin/arping", "/usr/bin/arping"];

    private Task<ProgramResult> RunAsync(string program, string[] arguments, CancellationToken cancellationToken) =>
        ProgramRunner.RunAsync(program, arguments, options.Timeout, cancellationToken);
}
