using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Buffers;
using Dr.Edge.Hosting;
using Dr.Edge.Kiosk;
using Dr.Edge.Kiosk.Sip2;
using Dr.Edge.Link;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dr.Edge.Tests.Kiosk.Sip2;

/// <summary>A kiosk that speaks SIP2 to <c>dr-edge</c>, and library systems of two sites of which one, none or the other answers.</summary>
public sealed class Sip2FaceTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly string _directory = Directory.CreateTempSubdirectory("dr-sip-").FullName;
    private readonly int _main = FreePorts.Next();
    private readonly int _backup = FreePorts.Next();
    private readonly int _http = FreePorts.Next();
    private WebApplication _edge = null!;

    public async ValueTask InitializeAsync() => await StartAsync();

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task What_is_lent_while_no_site_answers_is_delivered_to_the_other_one_once_and_in_order_after_a_restart_too()
    {
        await using (var main = new LibraryServer(_main))
        {
            using var kiosk = await ConnectAsync();
            (await AskAsync(kiosk, "9300CNkiosk|COsecret|")).Command.ShouldBe("94");
            (await AskAsync(kiosk, Loan("r1", "book0")))["AF"].ShouldBe("on line");
            main.Done.Single().Fixed[1].ShouldBe('N');

            // It carries the loan out, and nobody hears of it.
            main.SwallowAnswers(1);
            (await AskAsync(kiosk, Loan("r1", "book1"))).Fixed[0].ShouldBe('1');
            await WaitForAsync(() => Deliveries.Waiting == 0, "the delivery of the loan whose answer was lost");
            main.Done.Select(d => d["AB"]).ShouldBe(["book0", "book1"]);
            main.Received.ShouldBeGreaterThan(2);
        }

        using (var kiosk = await ConnectAsync())
        {
            (await AskAsync(kiosk, "9900802.00")).Fixed[..6].ShouldBe("NYYYNY");
            for (var item = 2; item < 12; item++)
            {
                (await AskAsync(kiosk, Loan($"r{item % 3}", $"book{item}")))["AF"]!.ShouldStartWith("Off line");
            }

            (await AskAsync(kiosk, "09N                                    APhere|AOmain|ABbook2|AC|")).Fixed[0].ShouldBe('1');
        }

        // The other door to the same order.
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{_http}") };
        (await http.PostAsync("/transactions", new StringContent("{\"id\":\"web-1\",\"kind\":\"renew\",\"card\":\"r0\",\"item\":\"book3\"}"))).StatusCode.ShouldBe(HttpStatusCode.Accepted);
        (await http.GetFromJsonAsync<TransactionView>("/transactions/web-1"))!.State.ShouldBe("waiting");
        (await http.GetStringAsync("/")).ShouldContain("12 transactions wait for it");

        await StopAsync();
        await StartAsync();
        await using var backup = new LibraryServer(_backup);
        backup.Refused.Add("book5");
        using (var kiosk = await ConnectAsync())
        {
            // Nothing overtakes what waits.
            await AskAsync(kiosk, Loan("r1", "last"));
        }

        await WaitForAsync(() => Deliveries.Waiting == 0, "the deliveries");
        backup.Done.Select(d => d["AB"]).ShouldBe(["book2", "book3", "book4", "book6", "book7", "book8", "book9", "book10", "book11", "book2", "book3", "last"]);
        backup.Done.ShouldAllBe(d => d.Fixed.Substring(d.Command == Sip2Message.Checkin ? 0 : 1, 1) == "Y" || d["AB"] == "last");
        (await http.GetFromJsonAsync<TransactionView>("/transactions/web-1"))!.State.ShouldBe("accepted");
        var refused = (await Deliveries.RecentAsync(100, default)).Single(d => d.State == DeliveryState.Rejected);
        Sip2Message.Parse(refused.Answer!)!["AF"].ShouldBe("not ours");
        var page = await http.GetStringAsync("/");
        page.ShouldContain("Everything works.");
        page.ShouldContain("not ours");
    }

    [Fact]
    public async Task What_was_lent_off_line_goes_to_the_site_that_the_control_plane_decides_for_in_order_also_when_it_moves_in_between_and_the_former_one_still_answers()
    {
        await StopAsync();
        await StartAsync(bySite: true);
        var link = _edge.Services.GetRequiredService<LinkState>();
        link.Connected = true;
        Decide(link, "backup", 1); // Where nobody answers yet.
        await using var main = new LibraryServer(_main);
        using var kiosk = await ConnectAsync();
        for (var item = 0; item < 4; item++)
        {
            (await AskAsync(kiosk, Loan("r1", $"book{item}")))["AF"]!.ShouldStartWith("Off line", customMessage: "the other site answers, and the system is not there");
        }

        main.Done.ShouldBeEmpty();
        Decide(link, "production", 2);
        await WaitForAsync(() => Deliveries.Waiting == 0, "the deliveries to production");
        (await AskAsync(kiosk, Loan("r1", "book4")))["AF"].ShouldBe("on line");
        main.Done.Select(d => d["AB"]).ShouldBe(["book0", "book1", "book2", "book3", "book4"]);

        // The takeover: production answers on, as a program may that nobody could stop.
        await using var backup = new LibraryServer(_backup);
        Decide(link, "backup", 3);
        (await AskAsync(kiosk, Loan("r1", "book5")))["AF"].ShouldBe("on line");
        (backup.Done.Single()["AB"], main.Done.Count).ShouldBe(("book5", 5));
    }

    private DeliveryStore Deliveries => _edge.Services.GetRequiredService<DeliveryStore>();

    private static string Loan(string card, string item) => $"11YN20261128    200000                  AOmain|AA{card}|AB{item}|AC|";

    private static async Task<Sip2Message> AskAsync(Sip2Line kiosk, string message)
    {
        await kiosk.WriteAsync(message, default);
        return Sip2Message.Parse((await kiosk.ReadAsync(default).WaitAsync(Patience))!)!;
    }

    private async Task<Sip2Line> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(_edge.Services.GetServices<IHostedService>().OfType<Sip2Listener>().Single().EndPoint);
        return new Sip2Line(client);
    }

    private static void Decide(LinkState link, string site, int epoch) =>
        link.Config = link.Config with { Version = link.Config.Version + 1, ActiveSites = new Dictionary<SystemId, ActiveSite> { [new SystemId("dilas")] = new(new SiteId(site), new Epoch(epoch)) } };

    private async Task StartAsync(bool bySite = false)
    {
        var config = new EdgeConfig { Data = _directory, Control = Path.Combine(_directory, "c.sock"), Roles = ["kiosk"], Device = "kiosk-1" };
        config.Kiosk.Listen = $"127.0.0.1:{_http}";
        config.Kiosk.Sip2 = new Sip2Config
        {
            Listen = "127.0.0.1:0", Servers = [$"127.0.0.1:{_main}", $"127.0.0.1:{_backup}"], Timeout = TimeSpan.FromSeconds(15), Retry = TimeSpan.FromMilliseconds(200), Institution = "main", User = "dr", Password = "x",
        };
        if (bySite)
        {
            config.Kiosk.Sip2.System = "dilas";
            config.Kiosk.Sip2.Sites = new() { ["production"] = [$"127.0.0.1:{_main}"], ["backup"] = [$"127.0.0.1:{_backup}"] };
            config.Kiosk.Sip2.Servers = [];
        }

        _edge = EdgeApp.Build(config);
        await _edge.StartAsync();
    }

    private async Task StopAsync()
    {
        await _edge.StopAsync();
        await _edge.DisposeAsync();
    }

    private static async Task WaitForAsync(Func<bool> condition, string what)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            TimeProvider.System.GetElapsedTime(start).ShouldBeLessThan(Patience, $"waiting for {what}");
            await Task.Delay(25);
        }
    }
}
