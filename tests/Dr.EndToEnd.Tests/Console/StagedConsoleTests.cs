using System.Text.Json;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.WebConsole;
using Microsoft.AspNetCore.Http;
using Microsoft.Playwright;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>How the page behaves in a real browser, on views that the test sets.</summary>
[Collection("whole machine")]
public sealed class StagedConsoleTests(Browser browser) : IClassFixture<Browser>
{
    [Theory]
    [InlineData(1280, ColorScheme.Light)]
    [InlineData(1280, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    public async Task It_fits_and_complains_of_nothing(int width, ColorScheme colors)
    {
        foreach (var (name, views) in new[] { ("calm", (Func<ConsoleSnapshot>)Stage.Calm), ("disaster", Stage.Disaster) })
        {
            await using var console = await StagedAsync(views);
            await using var page = await browser.OpenAsync(console.Url, colors, width);
            await page.ShouldFitAsync();
            await page.Page.Locator("details.past").First.ClickAsync();
            await page.ShouldFitAsync();
            await Pictures.TakeAsync(page.Page, $"staged-{name}-{width}-{colors}");
            page.Errors.ShouldBeEmpty();
        }
    }

    [Fact]
    public async Task An_alert_is_acknowledged_for_a_time_and_force_asks_for_a_statement()
    {
        await using var console = await StagedAsync(Stage.Calm);
        await using var page = await browser.OpenAsync(console.Url);
        await page.SeesAsync("[data-testid=alert-DiskFilling]", "li.wei knows");
        await page.SeesAsync("[data-testid=alert-PeerNotReady]", "Explains 1 more");
        await page.Page.Locator("[data-testid=alert-PeerNotReady] button.order").ClickAsync();
        (await page.Page.InputValueAsync("#order-duration")).ShouldBe("1h");
        await page.Page.FillAsync("#order-duration", "30m");
        await page.Page.FillAsync("#order-actor", "chen.yu");
        await page.Page.FillAsync("#order-reason", "driving there");
        await page.Page.ClickAsync("#order-send");
        await page.Page.Locator("dialog#order").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Hidden });
        var (path, _, _, body) = console.Orders.Single();
        path.ShouldMatch("^/api/v1/alerts/peernotready.system.vpn.[0-9]+/acknowledge$");
        (body.GetProperty("for").GetString(), body.GetProperty("reason").GetString()).ShouldBe(("30m", "driving there"));

        await page.Page.ClickAsync("#order-dilas-force");
        await page.Page.FillAsync("#order-reason", "production burns");
        await page.Page.CheckAsync("#order-attest");
        await page.Page.ClickAsync("#order-send");
        console.Orders.Count.ShouldBe(1, "without a statement nothing is sent");
        await page.Page.FillAsync("#order-statement", "I pulled both power cords myself");
        await page.Page.ClickAsync("#order-send");
        await page.Page.Locator("dialog#order").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Hidden });
        (console.Orders[1].Path, console.Orders[1].IfMatch).ShouldBe(("/api/v1/systems/dilas/force", "3"));
        console.Orders[1].Body.GetProperty("statement").GetString().ShouldBe("I pulled both power cords myself");
        page.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Changes_are_carried_over_without_touching_what_the_reader_has_open_or_in_hand()
    {
        await using var console = await StagedAsync(Stage.Calm);
        await using var page = await browser.OpenAsync(console.Url);
        await page.MarkAsync();
        await page.Page.Locator("details.past > summary").First.ClickAsync();
        await page.Page.Locator("#order-dilas-failover").FocusAsync();

        console.Views = () =>
        {
            var views = Stage.Calm();
            return views with
            {
                Systems = [views.Systems[0] with { DataAgeSeconds = 77 }, views.Systems[1]],
                Events = [new EventRecord { Id = 10, At = views.At, Kind = "volume.point", Subject = "dilas", Text = "A new event" }, .. views.Events],
            };
        };
        await page.SeesAsync("[data-testid=data-age]", "1 min 17 s");
        (await page.Page.Locator(".events li").First.TextContentAsync())!.ShouldContain("A new event");
        (await page.Page.Locator("details.past").First.EvaluateAsync<bool>("d => d.open")).ShouldBeTrue();
        (await page.Page.EvaluateAsync<string>("() => document.activeElement.id")).ShouldBe("order-dilas-failover");

        console.Views = Stage.Disaster;
        await page.SeesAsync("[data-testid=phase]", "Starting");
        await page.SeesAsync(".run.live .step", "Attach, check and start the components at backup");
        console.Views = Stage.Calm;
        await page.SeesAsync("#system-dilas [data-testid=phase]", "Protected");
        (await page.Page.Locator(".run.live").CountAsync()).ShouldBe(0);
        await page.ShouldNotHaveReloadedAsync();
        page.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_is_shown_after_many_changes_is_what_a_new_page_shows()
    {
        await using var console = await StagedAsync(Stage.Calm);
        await using var page = await browser.OpenAsync(console.Url);
        var fixedAt = Stage.Calm();
        Func<ConsoleSnapshot>[] changes =
        [
            () => fixedAt with { Systems = [], Events = [] }, Stage.Disaster, () => fixedAt with { Systems = fixedAt.Systems.Reverse().ToList(), Devices = fixedAt.Devices.Reverse().ToList() },
            () => fixedAt with { Devices = fixedAt.Devices.Skip(1).ToList(), Runs = fixedAt.Runs.Reverse().ToList(), Missing = ["One part is missing."] }, () => fixedAt,
        ];
        const string Shown = "() => { const copy = document.getElementById('live').cloneNode(true); copy.querySelectorAll('time').forEach(t => { t.textContent = ''; t.removeAttribute('title'); }); return copy.innerHTML.replace(/<!--.*?-->/g, ''); }";
        foreach (var change in changes)
        {
            var views = change();
            console.Views = () => views;
            var asked = $"{views.At.ToUnixTimeMilliseconds()}-{views.Systems.Count}-{views.Missing.Count}";
            await page.Page.WaitForResponseAsync(r => r.Url.EndsWith("/console/live", StringComparison.Ordinal));
            await page.Page.WaitForResponseAsync(r => r.Url.EndsWith("/console/live", StringComparison.Ordinal));
            await using var fresh = await browser.OpenAsync(console.Url);
            var wanted = await fresh.Page.EvaluateAsync<string>(Shown);
            var shown = "";
            await Eventually.TrueAsync(
                $"the page to show what a new one shows ({asked})",
                async () => (shown = await page.Page.EvaluateAsync<string>(Shown)) == wanted,
                told: () => $"It shows\n{shown}\nand not\n{wanted}");
        }

        page.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Ages_keep_counting_between_readings_and_by_the_silos_clock()
    {
        // The silo's clock is an hour behind the reader's: ages must not notice.
        var at = DateTimeOffset.UtcNow.AddHours(-1);
        var started = TimeProvider.System.GetTimestamp();
        await using var console = await StagedAsync(() =>
        {
            var views = Stage.Calm();
            return views with { At = at + TimeProvider.System.GetElapsedTime(started), Devices = [views.Devices[0] with { LastHeard = at.AddSeconds(-3) }] };
        });
        await using var page = await browser.OpenAsync(console.Url);
        var age = await page.SeesAgeAsync("#device-prod-1 .age", 3);
        age = await page.SeesAgeAsync("#device-prod-1 .age", age + 4);

        await console.StopAsync();
        age = await page.SeesAgeAsync("#device-prod-1 .age", age);
        await page.SeesAgeAsync("#device-prod-1 .age", age + 4);
    }

    [Fact]
    public async Task A_lost_connection_is_said_with_its_time_and_heals_by_itself()
    {
        await using var console = await StagedAsync(Stage.Calm);
        await using var page = await browser.OpenAsync(console.Url);
        await page.MarkAsync();
        await console.StopAsync();
        await page.SeesAsync("#lost", "Connection to the control plane lost since");
        (await page.Page.Locator("#lost").TextContentAsync())!.ShouldMatch(@"lost since \d\d:\d\d:\d\d \(.*(ago|now)\)\. What you see below is from then");
        await page.SeesAsync("#connection", "Connection lost");
        (await page.Page.TitleAsync()).ShouldContain("Connection lost");
        await page.SeesAgeAsync("#lost", 5);
        await Pictures.TakeAsync(page.Page, "staged-lost");

        console.Views = Stage.Disaster;
        await console.StartAsync();
        await page.SeesAsync("#connection", "Connected again after");
        await page.SeesAsync("#system-dilas [data-testid=phase]", "Starting");
        (await page.Page.Locator("#lost").IsVisibleAsync()).ShouldBeFalse();
        await page.ShouldNotHaveReloadedAsync();
    }

    [Fact]
    public async Task An_order_asks_for_name_reason_and_attestation_and_carries_the_epoch_that_was_shown()
    {
        await using var console = await StagedAsync(Stage.Calm);
        await using var page = await browser.OpenAsync(console.Url);
        await page.Test("order-failover").First.ClickAsync();
        var dialog = page.Page.Locator("dialog#order");
        await dialog.WaitForAsync();
        (await dialog.TextContentAsync())!.ShouldContain("About 0.4 s of work would be lost.");
        await Pictures.TakeAsync(page.Page, "staged-dialog");
        await page.Page.FillAsync("#order-actor", "chen.yu");
        await page.Page.ClickAsync("#order-send");
        await page.Page.FillAsync("#order-reason", "production is on fire");
        await page.Page.ClickAsync("#order-send");
        console.Orders.ShouldBeEmpty("nothing is sent without a reason and the attestation");

        await page.Page.CheckAsync("#order-attest");
        await page.Page.ClickAsync("#order-send");
        await dialog.WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Hidden });
        var (path, ifMatch, key, body) = console.Orders.ShouldHaveSingleItem();
        (path, ifMatch).ShouldBe(("/api/v1/runs", "3"));
        key!.Length.ShouldBe(32);
        JsonSerializer.Serialize(body).ShouldBe("""{"system":"dilas","kind":"failover","actor":"chen.yu","reason":"production is on fire"}""");

        await page.Test("order-move").First.ClickAsync();
        (await page.Page.InputValueAsync("#order-actor")).ShouldBe("chen.yu");
        await page.Page.Keyboard.PressAsync("Escape");
        (await page.Page.EvaluateAsync<string>("() => document.activeElement.id")).ShouldBe("order-dilas-move");
        page.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_refusal_is_shown_as_it_is_and_the_next_try_is_a_new_order()
    {
        await using var console = await StagedAsync(Stage.Calm);
        console.Answer = async http =>
        {
            http.Response.StatusCode = StatusCodes.Status412PreconditionFailed;
            await http.Response.WriteAsJsonAsync(new
            {
                title = "What must hold before this does not hold.", detail = "The move was not started.", unmetGuards = new[] { "The other site is not ready: back-1 is silent." },
                evidence = new { phase = "Protected" }, nextActions = new[] { "Bring back-1 back, then try again." },
            });
        };
        await using var page = await browser.OpenAsync(console.Url);
        await OrderMoveAsync(page);
        foreach (var text in new[] { "What must hold before this does not hold.", "The move was not started.", "back-1 is silent", "phase: Protected", "Bring back-1 back" })
        {
            await page.SeesAsync("#order-problem", text);
        }

        await Pictures.TakeAsync(page.Page, "staged-refused");
        await page.Page.ClickAsync("#order-send");
        await Eventually.TrueAsync("the second order", () => console.Orders.Count == 2);
        console.Orders[1].Key.ShouldNotBe(console.Orders[0].Key);
    }

    [Fact]
    public async Task An_order_without_an_answer_is_tried_again_under_the_same_key()
    {
        await using var console = await StagedAsync(Stage.Calm);
        console.Answer = http =>
        {
            http.Abort();
            return Task.CompletedTask;
        };
        await using var page = await browser.OpenAsync(console.Url);
        await OrderMoveAsync(page);
        await page.SeesAsync("#order-problem", "it is not known whether this was started");
        await page.Page.ClickAsync("#order-send");
        await Eventually.TrueAsync("the second order", () => console.Orders.Count >= 2);
        console.Orders.Select(o => o.Key).Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task A_dialog_says_when_what_it_is_about_has_changed()
    {
        await using var console = await StagedAsync(Stage.Calm);
        await using var page = await browser.OpenAsync(console.Url);
        await page.Test("order-move").First.ClickAsync();
        await page.Page.FillAsync("#order-reason", "being typed");
        console.Views = () =>
        {
            var views = Stage.Calm();
            return views with { Systems = [views.Systems[0] with { Epoch = new Epoch(4) }, views.Systems[1]] };
        };
        await page.SeesAsync("#order-changed", "Ownership has moved while this was open");
        console.Views = Stage.Disaster;
        await page.SeesAsync("#order-changed", "This order no longer applies");
        (await page.Page.InputValueAsync("#order-reason")).ShouldBe("being typed");
    }

    [Fact]
    public async Task Everything_can_be_reached_and_done_with_the_keyboard()
    {
        await using var console = await StagedAsync(Stage.Calm);
        await using var page = await browser.OpenAsync(console.Url);
        HashSet<string> reached = [];
        for (var i = 0; i < 40; i++)
        {
            await page.Page.Keyboard.PressAsync("Tab");
            reached.Add(await page.Page.EvaluateAsync<string>("() => document.activeElement.id || document.activeElement.tagName"));
        }

        foreach (var id in new[] { "theme", "order-dilas-move", "order-dilas-failover", "order-vpn-move", "order-vpn-failover", "SUMMARY" })
        {
            reached.ShouldContain(id);
        }

        await page.Page.FocusAsync("#order-dilas-move");
        await page.Page.Keyboard.PressAsync("Enter");
        await page.Page.Locator("dialog#order").WaitForAsync();
        await page.Page.Keyboard.TypeAsync("chen.yu");
        await page.Page.Keyboard.PressAsync("Tab");
        await page.Page.Keyboard.TypeAsync("maintenance");
        await page.Page.Keyboard.PressAsync("Enter");
        await Eventually.TrueAsync("the order", () => console.Orders.Count == 1);
    }

    [Fact]
    public async Task The_chosen_colours_stay_chosen()
    {
        await using var console = await StagedAsync(Stage.Calm);
        await using var page = await browser.OpenAsync(console.Url);
        await page.Page.ClickAsync("#theme");
        await page.Page.ClickAsync("#theme");
        const string Background = "() => getComputedStyle(document.body).backgroundColor";
        (await page.Page.EvaluateAsync<string>(Background)).ShouldBe("rgb(18, 22, 24)");
        await page.Page.ReloadAsync();
        (await page.Page.EvaluateAsync<string>(Background)).ShouldBe("rgb(18, 22, 24)");
        (await page.Page.Locator("#theme").TextContentAsync())!.ShouldContain("dark");
    }

    private static async Task OrderMoveAsync(WatchedPage page)
    {
        await page.Test("order-move").First.ClickAsync();
        await page.Page.FillAsync("#order-actor", "chen.yu");
        await page.Page.FillAsync("#order-reason", "maintenance");
        await page.Page.ClickAsync("#order-send");
    }

    private static async Task<StagedConsole> StagedAsync(Func<ConsoleSnapshot> views)
    {
        var console = new StagedConsole { Views = views };
        await console.StartAsync();
        return console;
    }
}
