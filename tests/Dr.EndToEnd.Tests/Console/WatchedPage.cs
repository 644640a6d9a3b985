using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Dr.EndToEnd.Tests.WebConsole;

/// <summary>A page and everything that went wrong in it: errors in its console, errors that its script threw, requests to anywhere else.</summary>
internal sealed partial class WatchedPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly ConcurrentQueue<string> _errors = new();

    public WatchedPage(IBrowserContext context, IPage page)
    {
        (_context, Page) = (context, page);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                _errors.Enqueue($"{message.Type}: {message.Text} ({message.Location})");
            }
        };
        page.PageError += (_, error) => _errors.Enqueue($"thrown: {error}");
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("http://127.0.0.1:", StringComparison.Ordinal))
            {
                _errors.Enqueue($"asked elsewhere: {request.Url}");
            }
        };
    }

    public IPage Page { get; }

    public IReadOnlyCollection<string> Errors => _errors;

    public ILocator Test(string id) => Page.GetByTestId(id);

    /// <summary>Marks the document, so that a reload would be noticed.</summary>
    public Task MarkAsync() => Page.EvaluateAsync("() => { window.drMark = 1; }");

    public async Task ShouldNotHaveReloadedAsync() => (await Page.EvaluateAsync<int?>("() => window.drMark ?? null")).ShouldBe(1, "the page was loaded anew");

    /// <summary>Waits until the element's text has <paramref name="text"/> in it.</summary>
    public Task SeesAsync(string selector, string text, int milliseconds = 60_000) =>
        Page.Locator(selector).Filter(new LocatorFilterOptions { HasText = text }).First.WaitForAsync(new LocatorWaitForOptions { Timeout = milliseconds });

    /// <summary>Waits until an age in seconds is that much or more, and less than a minute: a busy machine shows not every second.</summary>
    /// <returns>The age that is shown.</returns>
    public async Task<int> SeesAgeAsync(string selector, int atLeast)
    {
        var age = -1;
        await Eventually.TrueAsync(
            $"{selector} to show {atLeast} s to 59 s",
            async () =>
            {
                var shown = AgeText().Match((await Page.Locator(selector).First.TextContentAsync())!);
                age = shown.Success ? int.Parse(shown.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture) : -1;
                return age >= atLeast;
            });
        return age;
    }

    /// <summary>Wide content may scroll inside its own box, the page itself may not.</summary>
    public async Task ShouldFitAsync()
    {
        var wide = await Page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('body *')].filter(e => { const r = e.getBoundingClientRect(); return r.width > 0 && r.right > document.documentElement.clientWidth + 1 && getComputedStyle(e).position !== 'absolute'; }).slice(0, 5).map(e => e.outerHTML.slice(0, 120))");
        wide.ShouldBeEmpty();
        (await Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")).ShouldBeLessThanOrEqualTo(0);
    }

    [System.Text.RegularExpressions.GeneratedRegex(@"(?<!min )\b(\d{1,2}) s ago\b")]
    private static partial System.Text.RegularExpressions.Regex AgeText();

    public ValueTask DisposeAsync() => new(_context.CloseAsync());
}
