using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Dr.EndToEnd.Tests.Link;

namespace Dr.EndToEnd.Tests.Enrolment;

/// <summary>
/// A device's life with the control plane's own CA, in real processes, whatever the broker: it enrols with a token, beats over TLS, renews by itself, is revoked, cut within seconds, and does not come back.
/// </summary>
public abstract class EnrolmentSuite : IAsyncDisposable
{
    private const string Config = """
        sites:
          - id: street
        devices:
          - id: kiosk-1
            site: street
            roles: [kiosk]
            busyPeriod: 1s
            idlePeriod: 1s
        """;

    /// <summary>A poll of two seconds, the broker's moment, and a busy machine.</summary>
    private static readonly TimeSpan CutWithin = TimeSpan.FromSeconds(30);

    /// <summary>Long enough for several attempts of the device to come back.</summary>
    private static readonly TimeSpan StaysAway = TimeSpan.FromSeconds(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("dr-enrolment-").FullName;
    private readonly int _http = FreePorts.Next();
    private ReadyProcess? _silo;
    private EdgeProcess? _edge;

    private string Data => Path.Combine(_folder, "silo");

    private protected string Tls => Path.Combine(_folder, "tls");

    private string Url => string.Create(CultureInfo.InvariantCulture, $"https://127.0.0.1:{_http}");

    private string DeviceData => Path.Combine(_folder, "kiosk", "data");

    /// <summary>Arguments of <c>dr-silo run</c> about the broker, which stands when this returns.</summary>
    private protected abstract Task<string[]> StartBrokerAsync();

    private protected abstract Task StopBrokerAsync();

    /// <summary>What has nothing to do with the broker is looked at once; there certificates also last so short that the device renews its own while the test waits.</summary>
    private protected abstract bool IsThorough { get; }

    [Fact]
    public async Task A_device_enrols_beats_renews_and_is_cut_when_it_is_revoked()
    {
        await SiloAsync("ca", "create", "--data", Data);
        await SiloAsync("ca", "issue", "control-plane", "--role", "control-plane", "--host", "127.0.0.1", "--data", Data, "--out", Tls);
        await File.WriteAllTextAsync(Path.Combine(_folder, "silo.yaml"), Config);
        await StartSiloAsync(await StartBrokerAsync());
        var token = await SiloAsync("ca", "token", "kiosk-1", "--role", "kiosk", "--expires", "5m");

        if (IsThorough)
        {
            // Another control plane is told nothing.
            var (elsewhere, refusal) = await EdgeAsync("enroll", "--token", token[..^4] + "0000", "--silo", Url, "--data", DeviceData);
            elsewhere.ShouldBe(1);
            refusal.ShouldContain("The token was not sent");
        }

        (await EdgeAsync("enroll", "--token", token, "--silo", Url, "--data", DeviceData)).Status.ShouldBe(0);
        if (IsThorough)
        {
            (await EdgeAsync("enroll", "--token", token, "--silo", Url, "--data", Path.Combine(_folder, "thief"))).Output.ShouldContain("The token was used before.");
        }

        var device = Path.Combine(DeviceData, "identity", "device.pem");
        if (OperatingSystem.IsLinux())
        {
            File.GetUnixFileMode(device).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        var first = await File.ReadAllTextAsync(device);
        _edge = await EdgeProcess.StartAsync(Path.Combine(_folder, "kiosk"));
        await Eventually.TrueAsync("the control plane hears the device", async () => JsonNode.Parse(await SiloAsync("devices", "--json"))!.AsArray().Any(d => d!["id"]!.ToString() == "kiosk-1" && d["lastHeard"] is not null));
        if (IsThorough)
        {
            await Eventually.TrueAsync("the certificate was renewed", () => File.ReadAllText(device) != first);
        }
        else
        {
            (await EdgeAsync("renew", "--data", DeviceData)).Status.ShouldBe(0);
            (await File.ReadAllTextAsync(device)).ShouldNotBe(first);
        }

        await Eventually.TrueAsync("the device is connected", ConnectedAsync);

        await SiloAsync("ca", "revoke", "kiosk-1", "--reason", "stolen");
        var revoked = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync("the device is cut", async () => !await ConnectedAsync(), CutWithin);
        TestContext.Current.TestOutputHelper?.WriteLine($"cut after {Stopwatch.GetElapsedTime(revoked).TotalSeconds:0.00} s");
        for (var since = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(since) < StaysAway; await Task.Delay(50))
        {
            (await ConnectedAsync()).ShouldBeFalse("a revoked device came back");
        }

        if (!IsThorough)
        {
            return;
        }

        (await EdgeAsync("renew", "--data", DeviceData)).Output.ShouldContain("The present certificate is not good.");
        var audit = await SiloAsync("audit", "--json");
        audit.ShouldContain("ca.created");
        audit.ShouldContain("ca.issued");
        audit.ShouldContain("ca.revoked");
    }

    public async ValueTask DisposeAsync()
    {
        if (_edge is not null)
        {
            await _edge.DisposeAsync();
        }

        if (_silo is not null)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(_silo.Log);
            await _silo.DisposeAsync();
        }

        await StopBrokerAsync();

        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected async Task<string> SiloAsync(params string[] arguments)
    {
        string[] all = arguments is ["ca", "create" or "issue", ..] || _silo is null ? arguments : [.. arguments, "--server", Url, "--ca", Path.Combine(Tls, "ca.pem")];
        var (status, said) = await Repository.RunAsync(Repository.Program("Dr.Silo", "dr-silo"), all, TimeSpan.FromSeconds(60));
        status.ShouldBe(0, said);
        return said.Trim();
    }

    private protected Task<string> IssueAsync(string name, string role) => SiloAsync("ca", "issue", name, "--role", role, "--host", "127.0.0.1", "--data", Data, "--out", Tls);

    private static Task<(int Status, string Output)> EdgeAsync(params string[] arguments) => Repository.RunAsync(EdgeProcess.Program, arguments, TimeSpan.FromSeconds(60));

    private async Task<bool> ConnectedAsync()
    {
        using var handler = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(_edge!.Control), cancellationToken);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        using var http = new HttpClient(handler);
        return (await http.GetFromJsonAsync<JsonObject>("http://edge/link"))!["connected"]!.GetValue<bool>();
    }

    private Task StartSiloAsync(string[] broker)
    {
        var (certificate, key) = (Path.Combine(Tls, "control-plane.pem"), Path.Combine(Tls, "control-plane.key"));
        _silo = new ReadyProcess(
            Repository.Program("Dr.Silo", "dr-silo"),
            [
                "run", "--data", Data, "--http", string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_http}"), "--tls-certificate", certificate, "--tls-key", key, "--config", Path.Combine(_folder, "silo.yaml"),
                "--mqtt-tls-certificate", certificate, "--mqtt-tls-key", key, "--mqtt-tls-ca", Path.Combine(Tls, "ca.pem"), .. broker,
            ]);
        return _silo.StartAsync();
    }
}

[Collection(nameof(LinkCollection))]
public sealed class EmbeddedEnrolmentTests : EnrolmentSuite
{
    private protected override Task<string[]> StartBrokerAsync() => Task.FromResult<string[]>(["--mqtt-listen", FreePorts.NextAddress(), "--ca-certificate-life", "15s"]);

    private protected override bool IsThorough => true;

    private protected override Task StopBrokerAsync() => Task.CompletedTask;
}

[Collection(nameof(LinkCollection))]
public sealed class MosquittoEnrolmentTests : EnrolmentSuite
{
    private Mosquitto? _broker;

    private protected override bool IsThorough => false;

    private protected override async Task<string[]> StartBrokerAsync()
    {
        await IssueAsync("broker", "broker");
        var list = Path.Combine(Tls, "revoked.pem");
        _broker = new Mosquitto(Tls);
        if (OperatingSystem.IsLinux())
        {
            // Started as root it goes on as its own user, which must get to its files.
            File.SetUnixFileMode(Path.GetDirectoryName(Tls)!, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
            File.SetUnixFileMode(Path.Combine(Tls, "broker.key"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        }

        await _broker.StartAsync();
        return
        [
            "--broker", _broker.ControlAddress.ToString(), "--device-broker", _broker.Address.ToString(), "--crl-file", list,
            "--crl-command", string.Create(CultureInfo.InvariantCulture, $"kill -HUP {_broker.Pid}"),
        ];
    }

    private protected override async Task StopBrokerAsync()
    {
        if (_broker is not null)
        {
            await _broker.DisposeAsync();
        }
    }
}
