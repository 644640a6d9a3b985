using Microsoft.Playwright;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>The page of a real silo, with devices that beat over MQTT, in a real browser.</summary>
[Collection("whole machine")]
public sealed class ConsoleTests(Browser browser, ITestOutputHelper output) : IClassFixture<Browser>
{
    [Fact]
    public async Task A_system_its_changes_and_a_run_show_by_themselves_and_a_killed_silo_comes_back()
    {
        await using var silo = await RunningSilo.StartAsync(ScriptedLibrary.Config);
        await using var library = new ScriptedLibrary(silo.BrokerPort);
        await using var page = await browser.OpenAsync(silo.Url);
        try
        {
            await page.MarkAsync();
            await ShowsTheSystemAsync(page);
            await ShowsChangesAsync(page, library);
            await ShowsARunStartedByItsButtonAsync(page, library);
            await page.ShouldNotHaveReloadedAsync();
            page.Errors.ShouldBeEmpty();
            await ComesBackAsync(page, silo);
            await page.ShouldNotHaveReloadedAsync();
        }
        catch (Exception)
        {
            output.WriteLine(silo.Log);
            output.WriteLine(await page.Page.InnerTextAsync("body"));
            throw;
        }
    }

    private static async Task ShowsTheSystemAsync(WatchedPage page)
    {
        await page.SeesAsync("#system-dilas h3", "DILAS integrated library system");
        await page.SeesAsync("#device-prod-1", "alive");
        await page.SeesAsync("#device-back-1", "alive");
        await page.SeesAsync("#system-dilas [data-testid=phase]", "Protected");
        await page.SeesAsync("#verdict", "Everything can be taken over now: dilas by backup.");
        await page.SeesAsync("#system-dilas [data-testid=condition-DataProtected]", "yes");
        await page.SeesAsync("#system-dilas .facts", "application-consistent");
        await Pictures.TakeAsync(page.Page, "real-protected");
    }

    private static async Task ShowsChangesAsync(WatchedPage page, ScriptedLibrary library)
    {
        library.Behind = TimeSpan.FromSeconds(42);
        await page.SeesAsync("#system-dilas [data-testid=data-age]", "42 s");
        library.Behind = TimeSpan.FromSeconds(0.3);
        await page.SeesAsync("#system-dilas [data-testid=data-age]", "0.3 s");
        await library.Desk.StopAsync();
        await page.SeesAsync("#device-desk-1", "suspect");
        await page.SeesAsync(".events", "desk-1 is silent for");
    }

    private static async Task ShowsARunStartedByItsButtonAsync(WatchedPage page, ScriptedLibrary library)
    {
        var seen = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        library.StepsWaitFor = seen.Task;
        try
        {
            await ShowsTheStepsUnderWayAsync(page);
        }
        finally
        {
            seen.SetResult();
        }

        await page.SeesAsync("#system-dilas [data-testid=site]", "backup");
        await page.SeesAsync("#system-dilas [data-testid=epoch]", "2");
    }

    private static async Task ShowsTheStepsUnderWayAsync(WatchedPage page)
    {
        await page.Page.ClickAsync("#order-dilas-move");
        await page.Page.FillAsync("#order-actor", "chen.yu");
        await page.Page.FillAsync("#order-reason", "maintenance of the machine room");
        await page.Page.ClickAsync("#order-send");
        await page.Page.Locator("dialog#order").WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Hidden });
        await page.SeesAsync("#system-dilas .run.live", "by chen.yu");
        await page.SeesAsync("#system-dilas .run.live .step", "under way");
        await Pictures.TakeAsync(page.Page, "real-run");
    }

    private static async Task ComesBackAsync(WatchedPage page, RunningSilo silo)
    {
        await silo.KillAsync();
        await page.SeesAsync("#lost", "Connection to the control plane lost since");
        await silo.StartAsync();
        await page.SeesAsync("#connection", "Connected again after");
        await page.SeesAsync("#system-dilas [data-testid=site]", "backup");
        await page.SeesAsync("#device-back-1", "alive");

        // The silo may have been killed in the middle of the run: it goes on from its journal.
        await page.SeesAsync(".past", "move production → backup");
        await Pictures.TakeAsync(page.Page, "real-after-restart");
    }
}
