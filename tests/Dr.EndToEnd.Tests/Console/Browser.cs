using Microsoft.Playwright;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>Debian's chromium, driven by the driver that comes with the package: nothing is downloaded.</summary>
public sealed class Browser : IAsyncLifetime
{
    private static readonly string[] Arguments =
    [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions { ExecutablePath = "/usr/bin/chromium", Args = Arguments, Timeout = 60_000 });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.CloseAsync();
        }

        _playwright?.Dispose();
    }

    /// <summary>A page of its own, with what its console says being watched.</summary>
    internal async Task<WatchedPage> OpenAsync(string url, ColorScheme colors = ColorScheme.Light, int width = 1280, int height = 900, string shown = "#connection[data-state=good]")
    {
        var context = await _browser!.NewContextAsync(new BrowserNewContextOptions
        {
            ColorScheme = colors,
            ViewportSize = new ViewportSize { Width = width, Height = height },
            TimezoneId = "Asia/Shanghai",
        });
        context.SetDefaultTimeout(60_000);
        var page = new WatchedPage(context, await context.NewPageAsync());
        await page.Page.GotoAsync(url);
        await page.Page.WaitForSelectorAsync(shown);
        return page;
    }
}
