using System.ComponentModel;
using System.Net.Sockets;
using Dr.Simulator.Live.Faults;

namespace Dr.Simulator.Live.World;

/// <summary>
/// A network namespace for each place, each with one line to a switch in a namespace of its own. Cutting, narrowing and parting is done at the switch, so that whoever sits at a place notices only that nothing comes.
/// </summary>
internal sealed class LiveNetwork(string prefix)
{
    public const string ServiceNetwork = "10.77.0.0/24";

    /// <summary>A place's own line, when it is slow: narrow, and late because packets queue.</summary>
    private static readonly string[] Narrow = ["tbf", "rate", "1mbit", "burst", "16k", "latency", "300ms"];

    /// <summary>The same with a kernel that has it: late, lossy and narrow.</summary>
    private static readonly string[] Lossy = ["netem", "delay", "100ms", "20ms", "loss", "3%", "rate", "5mbit"];

    private static readonly string[] Places = [LivePlaces.Production, LivePlaces.Backup, LivePlaces.Third, LivePlaces.Street];

    private string[] _slow = Lossy;

    /// <summary>How a slow line is made on this kernel.</summary>
    public string SlowLine => string.Join(' ', _slow);

    public static string Address(string place) => $"10.77.0.{Array.IndexOf(Places, place) + 1}";

    public string NameOf(string place) => $"{prefix}-{place}";

    public string PathOf(string place) => $"/run/netns/{NameOf(place)}";

    private string Hub => NameOf("hub");

    public async Task BuildAsync()
    {
        foreach (var name in Places.Select(NameOf).Append(Hub))
        {
            await Tool.RunAsync("ip", "netns", "add", name);
            await Tool.RunAsync("ip", "-n", name, "link", "set", "lo", "up");
        }

        await Tool.RunAsync("ip", "-n", Hub, "link", "add", "switch", "type", "bridge");
        await Tool.RunAsync("ip", "-n", Hub, "link", "set", "switch", "up");
        foreach (var place in Places)
        {
            await Tool.RunAsync("ip", "link", "add", place, "netns", Hub, "type", "veth", "peer", "name", "eth0", "netns", NameOf(place));
            await Tool.RunAsync("ip", "-n", Hub, "link", "set", place, "master", "switch", "up");
            await Tool.RunAsync("ip", "-n", NameOf(place), "addr", "add", $"{Address(place)}/24", "dev", "eth0");
            await Tool.RunAsync("ip", "-n", NameOf(place), "link", "set", "eth0", "up");
        }

        // Not every kernel has netem; a narrow line is late as well, when its queue is full.
        var (status, _) = await Tool.TryAsync("ip", ["netns", "exec", Hub, "tc", "qdisc", "add", "dev", "lo", "root", .. Lossy]);
        _slow = status == 0 ? Lossy : Narrow;
    }

    public Task CutAsync(string place) => Tool.RunAsync("ip", "-n", Hub, "link", "set", place, "down");

    public Task JoinAsync(string place) => Tool.RunAsync("ip", "-n", Hub, "link", "set", place, "up");

    /// <summary>The sites see everybody but each other, or everybody again.</summary>
    public async Task PartSitesAsync(bool parted)
    {
        foreach (var site in LivePlaces.Sites)
        {
            await Tool.RunAsync("ip", "netns", "exec", Hub, "bridge", "link", "set", "dev", site, "isolated", parted ? "on" : "off");
        }
    }

    /// <summary>Both directions.</summary>
    public async Task SlowAsync(string place)
    {
        await Tool.RunAsync("ip", ["netns", "exec", Hub, "tc", "qdisc", "replace", "dev", place, "root", .. _slow]);
        await Tool.RunAsync("ip", ["netns", "exec", NameOf(place), "tc", "qdisc", "replace", "dev", "eth0", "root", .. _slow]);
    }

    public async Task QuickenAsync(string place)
    {
        await Tool.RunAsync("ip", "netns", "exec", Hub, "tc", "qdisc", "del", "dev", place, "root");
        await Tool.RunAsync("ip", "netns", "exec", NameOf(place), "tc", "qdisc", "del", "dev", "eth0", "root");
    }

    /// <summary>An HTTP client that is at the place.</summary>
    public HttpClient ClientAt(string place, TimeSpan timeout) => new(new SocketsHttpHandler
    {
        PooledConnectionLifetime = TimeSpan.FromSeconds(30),
        ConnectCallback = async (context, cancellationToken) =>
        {
            var socket = await SocketAtAsync(place);
            try
            {
                await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (Exception)
            {
                socket.Dispose();
                throw;
            }
        },
    })
    { Timeout = timeout };

    /// <summary>A socket belongs for good to the network in which its thread was when it was made.</summary>
    private Task<Socket> SocketAtAsync(string place)
    {
        var made = new TaskCompletionSource<Socket>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(() =>
        {
            try
            {
                Native.EnterNetwork(PathOf(place));
                made.SetResult(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
            }
            catch (Exception exception) when (exception is Win32Exception or SocketException)
            {
                made.SetException(new IOException(exception.Message, exception));
            }
        })
        { IsBackground = true, Name = $"into {place}" }.Start();
        return made.Task;
    }
}
