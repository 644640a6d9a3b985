using System.Net;
using Dr.Contracts.Errors;
using Dr.Edge.Hosting;
using Microsoft.AspNetCore.Builder;

namespace Dr.Edge.Tests.Kiosk;

/// <summary>A kiosk goes without the volume store, and so without the system calls of Linux.</summary>
public sealed class KioskAloneTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-kiosk-alone-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_kiosk_takes_transactions_without_any_volume_and_is_alone_in_its_directory()
    {
        var address = FreePorts.NextAddress();
        await using (var app = EdgeApp.Build(Config(address)))
        {
            await app.StartAsync();
            using var http = new HttpClient();
            using var body = new StringContent("""{"kind":"borrow","card":"2100001","id":"t1"}""");
            using var answer = await http.PostAsync(new Uri($"http://{address}/transactions"), body);
            answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
            Directory.Exists(Path.Combine(_folder, "data", "volumes")).ShouldBeFalse();
            Should.Throw<DrException>(() => EdgeApp.Build(Config(address))).Message.ShouldContain("in use by another dr-edge");
            await app.StopAsync();
        }

        var other = Config(FreePorts.NextAddress());
        other.Nbd.Socket = Path.Combine(_folder, "nbd.sock");
        other.IsKioskAlone.ShouldBeFalse("it serves volumes");
        await using (EdgeApp.Build(other))
        {
            Config(address).IsKioskAlone.ShouldBeFalse("it has volumes from now on");
        }
    }

    private EdgeConfig Config(string address) => new() { Data = Path.Combine(_folder, "data"), Control = Path.Combine(_folder, "control.sock"), Roles = ["kiosk"], Kiosk = { Listen = address } };
}
