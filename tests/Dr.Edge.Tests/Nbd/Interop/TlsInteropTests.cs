using System.Text.Json;
using Dr.Edge.Nbd.Tls;
using Dr.Edge.Tests.Nbd.Tls;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>The tools that people use, over TLS with certificates: GnuTLS on their side.</summary>
public sealed class TlsInteropTests : IAsyncLifetime
{
    private const int Size = 16 * 1024 * 1024;

    private readonly TestCertificates _certificates = new();
    private StoreServer _stand = null!;

    public async ValueTask InitializeAsync() => _stand = await StoreServer.StartAsync(
        Size, tls: new NbdTlsConfig { Certificate = _certificates.Server, Key = _certificates.ServerKey, ClientCa = _certificates.Authority });

    public async ValueTask DisposeAsync()
    {
        await _stand.DisposeAsync();
        _certificates.Dispose();
    }

    [Fact]
    public async Task Libnbd_lists_copies_in_and_out_and_compares()
    {
        var image = _stand.Server.Scratch("image");
        var data = new byte[Size];
        new Random(3).NextBytes(data);
        await File.WriteAllBytesAsync(image, data);
        var folder = _certificates.ClientFolder("host-a");
        await Tool.RunAsync("nbdcopy", "--flush", image, Uri(folder, unix: false));
        await Tool.RunAsync("nbdcopy", Uri(folder, unix: true), image + ".back");
        await Tool.RunAsync("cmp", image, image + ".back");
        using var info = JsonDocument.Parse(await Tool.RunAsync("nbdinfo", "--json", Uri(folder, unix: false)));
        info.RootElement.GetProperty("TLS").GetBoolean().ShouldBeTrue();
        info.RootElement.GetProperty("exports")[0].GetProperty("export-size").GetInt64().ShouldBe(Size);
        (await Tool.RunAsync("nbdinfo", "--list", $"nbds://{_stand.Server.Tcp}/?tls-certificates={folder}")).ShouldContain("export=\"volume\"");
    }

    [Fact]
    public async Task Qemu_img_and_qemu_io_work_with_their_own_credentials_object()
    {
        var folder = _certificates.ClientFolder("host-a");
        string[] Options() => ["--object", $"tls-creds-x509,id=tls0,dir={folder},endpoint=client", "--image-opts", $"driver=nbd,host=127.0.0.1,port={_stand.Server.Tcp.Port},export=volume,tls-creds=tls0"];
        using var info = JsonDocument.Parse(await Tool.RunAsync("qemu-img", ["info", "--output=json", .. Options()]));
        info.RootElement.GetProperty("virtual-size").GetInt64().ShouldBe(Size);
        await Tool.RunAsync("qemu-io", ["-c", "write -P 9 1M 3M", "-c", "flush", "-c", "read -P 9 1M 3M", "-c", "discard 2M 64k", "-c", "read -P 0 2M 64k", .. Options()]);
    }

    [Fact]
    public async Task Nbd_client_lists_over_tls()
    {
        var folder = _certificates.ClientFolder("host-a");
        var (_, output, error) = await Tool.TryRunAsync(
            "nbd-client", "-certfile", $"{folder}/client-cert.pem", "-keyfile", $"{folder}/client-key.pem", "-cacertfile", $"{folder}/ca-cert.pem", "-tlshostname", "localhost", "-l", "127.0.0.1",
            $"{_stand.Server.Tcp.Port}");
        (output + error).ShouldContain("volume");
    }

    [Fact]
    public async Task Clients_without_tls_without_a_certificate_or_with_a_wrong_or_expired_one_are_refused()
    {
        using var foreign = new TestCertificates("another CA");
        var wrong = foreign.ClientFolder("host-a");
        File.Copy(_certificates.Authority, Path.Combine(wrong, "ca-cert.pem"), overwrite: true);
        var without = Directory.CreateDirectory(_stand.Server.Scratch("without")).FullName;
        File.Copy(_certificates.Authority, Path.Combine(without, "ca-cert.pem"));
        foreach (var uri in new[] { _stand.Server.TcpUri, Uri(without, unix: false), Uri(wrong, unix: false), Uri(_certificates.ClientFolder("host-a", validToDays: -1), unix: true) })
        {
            var (status, _, error) = await Tool.TryRunAsync("nbdinfo", "--size", uri);
            status.ShouldNotBe(0, uri);
            error.ShouldNotBeEmpty();
        }

        await Tool.RunAsync("nbdinfo", "--size", Uri(_certificates.ClientFolder("host-a"), unix: true));
    }

    private string Uri(string folder, bool unix) => unix
        ? $"nbds+unix://localhost/volume?socket={_stand.Server.SocketPath}&tls-certificates={folder}"
        : $"nbds://{_stand.Server.Tcp}/volume?tls-certificates={folder}";
}
