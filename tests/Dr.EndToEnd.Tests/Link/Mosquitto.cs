using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Mqtt.Client;

namespace Dr.EndToEnd.Tests.Link;

/// <summary>A real Mosquitto on a free port, without persistence.</summary>
internal sealed class Mosquitto : ITestBroker
{
    private readonly string _directory = Directory.CreateTempSubdirectory("dr-mosquitto-").FullName;
    private Process? _process;

    public Mosquitto()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        Address = new BrokerAddress("127.0.0.1", ((IPEndPoint)probe.LocalEndpoint).Port);
        File.WriteAllText(
            Path.Combine(_directory, "mosquitto.conf"),
            $"listener {Address.Port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 10000\nmax_inflight_messages 1000\n");
    }

    public BrokerAddress Address { get; }

    public async Task StartAsync()
    {
        var start = new ProcessStartInfo(Program()) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Path.Combine(_directory, "mosquitto.conf"));
        _process = Process.Start(start)!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        await Until.TrueAsync("mosquitto listens", async () =>
        {
            try
            {
                using var client = new TcpClient();
                await client.ConnectAsync(Address.Host, Address.Port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        });
    }

    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private static string Program() => File.Exists("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : "mosquitto";
}
