using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Dr.EndToEnd.Tests.Failover;

/// <summary>A virtual gateway with priorities, as a pair of VRRP routers is: each connection goes to the site whose track file holds the higher number.</summary>
internal sealed class Gateway : IAsyncDisposable
{
    private readonly TwoSites _sites;
    private readonly string _system;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Task _accepting;

    public Gateway(TwoSites sites, string system)
    {
        (_sites, _system) = (sites, system);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>Where a client outside ends up.</summary>
    public async Task<string> LeadsToAsync()
    {
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)_listener.LocalEndpoint);
        using var reader = new StreamReader(client.GetStream());
        return await reader.ReadToEndAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                var to = new[] { TwoSites.Production, TwoSites.Backup }.MaxBy(site => _sites.Priority(site, _system))!;
                await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(to));
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Disposed.
        }
    }
}
