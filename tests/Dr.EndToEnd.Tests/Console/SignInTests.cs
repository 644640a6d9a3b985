using System.Net.Http.Headers;
using System.Net.Http.Json;
using Microsoft.Playwright;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>Signing in at a real silo in a real browser: from the first administrator to an order in one's own name.</summary>
[Collection("whole machine")]
public sealed class SignInTests(Browser browser, ITestOutputHelper output) : IClassFixture<Browser>
{
    private const string Password = "correct horse battery";

    [Fact]
    public async Task A_person_signs_in_orders_in_their_own_name_and_signs_out()
    {
        await using var silo = await RunningSilo.StartAsync(ScriptedLibrary.Config, "--require-sign-in");
        await MakeUserAsync(silo);
        await using var page = await browser.OpenAsync(silo.Url, shown: "#sign-in");
        try
        {
            page.Page.Url.ShouldEndWith("/sign-in");
            await page.ShouldFitAsync();
            await Pictures.TakeAsync(page.Page, "sign-in");
            await SignInAsync(page, Password);
            await page.SeesAsync("[data-testid=visitor]", "ann");
            await page.SeesAsync("#system-dilas h3", "DILAS");
            await Pictures.TakeAsync(page.Page, "signed-in");

            // The order is refused by the machine (there is no copy yet) and not by the guard against forged requests.
            await page.Page.ClickAsync("#order-dilas-move");
            (await page.Page.Locator("#order-actor").CountAsync()).ShouldBe(0, "who it is from is known");
            page.Errors.ShouldBeEmpty();
            await page.Page.FillAsync("#order-reason", "test");
            await page.Page.ClickAsync("#order-send");
            await page.SeesAsync("#order-problem", "What does not hold");
            await page.Page.ClickAsync("#order-cancel");

            await page.Page.ClickAsync("#sign-out");
            await page.Page.WaitForSelectorAsync("#sign-in");
            await SignInAsync(page, "wrong password");
            await page.SeesAsync("#problem", "Name or password is wrong.");
        }
        catch (Exception)
        {
            output.WriteLine(silo.Log);
            output.WriteLine(await page.Page.InnerTextAsync("body"));
            throw;
        }
    }

    private static async Task MakeUserAsync(RunningSilo silo)
    {
        using var http = new HttpClient { BaseAddress = new Uri(silo.Url) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(Path.Combine(silo.DataFolder, "first-admin.token"))).Trim());
        (await http.PostAsync("/api/v1/users", JsonContent.Create(new { name = "ann", role = "admin", password = Password }))).EnsureSuccessStatusCode();
    }

    private static async Task SignInAsync(WatchedPage page, string password)
    {
        await page.Page.FillAsync("#name", "ann");
        await page.Page.FillAsync("#password", password);
        await page.Page.ClickAsync("#send");
    }
}
