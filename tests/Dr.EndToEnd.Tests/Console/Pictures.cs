using Microsoft.Playwright;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>Pictures of the page for people to look at; taken only where <c>DR_SCREENSHOTS</c> names a folder.</summary>
internal static class Pictures
{
    private static readonly string? Folder = Environment.GetEnvironmentVariable("DR_SCREENSHOTS");

    public static async Task TakeAsync(IPage page, string name)
    {
        if (Folder is { Length: > 0 })
        {
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(Folder, $"{name}.png"), FullPage = true });
        }
    }
}
