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

    /// <param name="folder">TLS with the configuration that is shipped, and what is in this folder: <c>ca.pem</c>, <c>broker.pem</c>, <c>broker.key</c> and <c>revoked.pem</c>.</param>
    public Mosquitto(string folder)
    {
        Address = new BrokerAddress("127.0.0.1", FreePorts.Next());
        WriteShipped(folder, withRevocations: true);
    }

    /// <param name="authority">With it the broker speaks TLS, with the configuration that is shipped; its own certificate is the authority's <c>broker</c>.</param>
    public Mosquitto(DeviceAuthority? authority = null)
    {
        Address = new BrokerAddress("127.0.0.1", FreePorts.Next());
        if (authority is not null)
        {
            WriteShipped(authority.Folder, withRevocations: false);
            return;
        }

        File.WriteAllText(
            Path.Combine(_directory, "mosquitto.conf"),
            $"listener {Address.Port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nmax_queued_messages 10000\nmax_inflight_messages 1000\n");
    }

    public BrokerAddress Address { get; }

    /// <summary>The control plane's listener of the shipped configuration.</summary>
    public BrokerAddress ControlAddress { get; } = new("127.0.0.1", FreePorts.Next());

    public int Pid => _process!.Id;

    public async Task StartAsync()
    {
        var start = new ProcessStartInfo(Program()) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Path.Combine(_directory, "mosquitto.conf"));
        _process = Process.Start(start)!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        await Eventually.TrueAsync("mosquitto listens", async () =>
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

    private void WriteShipped(string folder, bool withRevocations)
    {
        var shipped = Path.Combine(Repository.Root, "deploy", "mosquitto");
        var config = File.ReadAllText(Path.Combine(shipped, "mosquitto.conf"))
            .Replace("listener 8883", $"listener {Address.Port} 127.0.0.1", StringComparison.Ordinal)
            .Replace("listener 8884", $"listener {ControlAddress.Port} 127.0.0.1", StringComparison.Ordinal)
            .Replace(withRevocations ? "#crlfile " : "#none", "crlfile ", StringComparison.Ordinal)
            .Replace("/etc/mosquitto/dr/acl", Path.Combine(_directory, "acl"), StringComparison.Ordinal)
            .Replace("/etc/mosquitto/dr/", folder + "/", StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_directory, "mosquitto.conf"), config);
        File.Copy(Path.Combine(shipped, "acl"), Path.Combine(_directory, "acl"));
        if (OperatingSystem.IsLinux())
        {
            // Started as root it goes on as its own user, which must be able to read what it is given.
            foreach (var own in new[] { _directory, folder })
            {
                File.SetUnixFileMode(own, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
            }
        }
    }

    private static string Program() => File.Exists("/usr/sbin/mosquitto") ? "/usr/sbin/mosquitto" : "mosquitto";
}
