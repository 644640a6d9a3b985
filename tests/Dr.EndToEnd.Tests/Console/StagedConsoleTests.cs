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

    private static async Task<StagedConsole> StagedAsync(Func<ConsoleSnapshot> views)
    {
        var console = new StagedConsole { Views = views };
        await console.StartAsync();
        return console;
    }
}
