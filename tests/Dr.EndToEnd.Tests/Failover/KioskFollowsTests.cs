using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dr.Edge.Tests.Kiosk.Sip2;
using Dr.EndToEnd.Tests.Link;
using Microsoft.Data.Sqlite;
using static Dr.EndToEnd.Tests.Failover.TwoSites;

namespace Dr.EndToEnd.Tests.Failover;

/// <summary>
/// From the kiosk to whatever site serves: a real kiosk, Mosquitto, the control plane and the appliances of two sites; the library system of each site answers all the time, so that only the control plane's decision says whose is
/// asked. <c>DR_SILO_CHAINS=1</c> runs it (half a minute).
/// </summary>
[Collection("whole machine")]
public sealed class KioskFollowsTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly string[] Cards = ["2100001", "2100002", "2100003"];
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-follows-").FullName;
    private readonly Mosquitto _broker = new();
    private readonly int _productionPort = FreePorts.Next();
    private readonly int _backupPort = FreePorts.Next();
    private readonly HttpClient _http = new() { BaseAddress = new Uri($"http://{FreePorts.NextAddress()}"), Timeout = TimeSpan.FromSeconds(20) };
    private EdgeProcess? _kiosk;
    private int _taken;

    public ValueTask InitializeAsync() => new(_broker.StartAsync());

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await CleanUp.AllAsync([.. CleanUp.Of([.. _kiosk is { } kiosk ? [kiosk] : Array.Empty<IAsyncDisposable>(), _broker]), () => Task.Run(() => Directory.Delete(_folder, recursive: true))]);
    }

    [Fact]
    public async Task After_a_takeover_what_waited_in_the_kiosk_and_what_comes_reach_the_other_sites_library_in_order_and_the_answers_are_kept()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_SILO_CHAINS") == "1", "DR_SILO_CHAINS=1 runs it (half a minute)");
        await using var sites = await StartOnAsync(_broker, ["{ id: desk-1, site: street, roles: [kiosk], busyPeriod: 1s, follows: [dilas] }"], new SiteSystem("dilas"));
        await using var backup = new LibraryServer(_backupPort);
        await using (var production = new LibraryServer(_productionPort))
        {
            await sites.ProtectAsync();
            await StartKioskAsync();
            await TakeAsync(3);
            await UntilAllAsync("accepted", 0, 3);
            production.Done.Select(d => d["AB"]).ShouldBe(["book0", "book1", "book2"]);
        }

        // The plug of production. What is taken now waits, though backup's library answers: nobody has decided yet that the system is there.
        await sites.KillAsync(Production);
        await TakeAsync(9);
        await UntilAllAsync("waiting", 3, 12);
        backup.Refused.Add("book5");
        var run = await sites.OrderAsync("dilas", "failover");
        (await StatesAsync(3, 12)).ShouldAllBe(s => s == "waiting");
        backup.Done.ShouldBeEmpty();

        await Eventually.TrueAsync("something is delivered to backup", () => !backup.Done.IsEmpty, TimeSpan.FromSeconds(120));
        var view = await sites.SystemAsync("dilas");
        view.GetProperty("epoch").GetInt64().ShouldBe(2, "delivered only after ownership had moved");
        await sites.UntilPhaseAsync("dilas", "OnTrial");
        await Eventually.TrueAsync("all that waited is answered", async () => !(await StatesAsync(3, 12)).Contains("waiting"), TimeSpan.FromSeconds(30));

        // Production's library answers again, as one may that nobody could stop; the system is not there.
        await using var left = new LibraryServer(_productionPort);
        await TakeAsync(6);
        await UntilAllAsync("accepted", 12, 18);
        left.Received.ShouldBe(0);

        // Once each, in the order in which they were taken, and so in that of each card.
        backup.Done.Select(d => d["AB"]).ShouldBe(Enumerable.Range(3, 15).Where(n => n != 5).Select(n => $"book{n}"));
        backup.Done.Select(d => d["XI"]).Distinct().Count().ShouldBe(14);
        backup.Done.ShouldAllBe(d => d["AA"] == CardOf(NumberOf(d["AB"]!)));

        // The answers outlive the kiosk's own death, and the control plane knows every transaction once, and which was refused.
        await _kiosk!.KillAsync();
        await StartKioskAsync();
        (await StatesAsync(0, 18)).Select((state, n) => (state, n)).ShouldAllBe(s => s.state == (s.n == 5 ? "rejected" : "accepted"));
        await Eventually.TrueAsync("the control plane has every transaction and the refusal", async () => await RowsAsync(sites, "kiosk.transaction") == 18 && await RowsAsync(sites, "kiosk.rejected") == 1, TimeSpan.FromSeconds(60));
        output.WriteLine($"run {run}: 9 transactions waited while production was lost, all answered by backup; 6 more went there at once");
    }

    private static int NumberOf(string item) => int.Parse(item["book".Length..], CultureInfo.InvariantCulture);

    private static string CardOf(int n) => Cards[n % Cards.Length];

    private async Task StartKioskAsync()
    {
        var config = Path.Combine(_folder, "kiosk.yaml");
        await File.WriteAllTextAsync(config, $$"""
            device: desk-1
            site: street
            roles: [kiosk]
            brokers: [ '{{_broker.Address}}' ]
            kiosk:
              listen: {{_http.BaseAddress!.Authority}}
              sip2:
                listen: {{FreePorts.NextAddress()}}
                system: dilas
                sites: { production: [ '127.0.0.1:{{_productionPort}}' ], backup: [ '127.0.0.1:{{_backupPort}}' ] }
                institution: main
                retry: 200ms
            """);
        _kiosk = await EdgeProcess.StartAsync(_folder, "--config", config);
        await Eventually.TrueAsync("the kiosk is connected and has been told where the system is", async () =>
            JsonDocument.Parse(await LinkAsync()).RootElement is var link && link.GetProperty("connected").GetBoolean() && link.GetProperty("configVersion").GetInt64() > 1);
    }

    private async Task<string> LinkAsync()
    {
        using var control = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
                await socket.ConnectAsync(new System.Net.Sockets.UnixDomainSocketEndPoint(_kiosk!.Control), cancellationToken);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            },
        });
        return await control.GetStringAsync(new Uri("http://kiosk/link"));
    }

    private async Task TakeAsync(int count)
    {
        for (var end = _taken + count; _taken < end; _taken++)
        {
            using var body = new StringContent(JsonSerializer.Serialize(new { id = $"t{_taken}", kind = "borrow", card = CardOf(_taken), item = $"book{_taken}" }));
            using var answer = await _http.PostAsync(new Uri("/transactions", UriKind.Relative), body);
            answer.StatusCode.ShouldBe(HttpStatusCode.Accepted);
        }
    }

    private Task UntilAllAsync(string state, int first, int end) =>
        Eventually.TrueAsync($"transactions {first} to {end - 1} are {state}", async () => (await StatesAsync(first, end)).All(s => s == state), TimeSpan.FromSeconds(30));

    private async Task<string[]> StatesAsync(int first, int end)
    {
        List<string> states = [];
        for (var n = first; n < end; n++)
        {
            states.Add((await _http.GetFromJsonAsync<JsonElement>($"/transactions/t{n}")).GetProperty("state").GetString()!);
        }

        return [.. states];
    }

    private static async Task<long> RowsAsync(TwoSites sites, string kind)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(sites.Silo.DataFolder, "silo.db")};Mode=ReadOnly;Default Timeout=20;Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "select count(*) from dr_row where device = 'desk-1' and kind = $kind";
        command.Parameters.AddWithValue("$kind", kind);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
