using Dr.EndToEnd.Tests.WebConsole;
using Dr.Simulator.Replay;
using Dr.Simulator.Reports;
using Dr.Simulator.Reports.Html;
using Microsoft.Playwright;

namespace Dr.EndToEnd.Tests.Reports;

/// <summary>The report as a reader sees it: on a screen, on a telephone, on paper; in both languages.</summary>
public sealed class ReplayReportTests(Browser browser) : IClassFixture<Browser>
{
    /// <summary>A4 between the margins of the report's own style: 210 − 2 × 14 mm at 96 dots an inch.</summary>
    private const int PaperWidth = 688;

    private static readonly ReplayStudy Study = ReplayStudy.Run(FaultLog.Load(null, null), 1, 2, 1, null, CancellationToken.None);

    [Theory]
    [InlineData("en", 1280, Media.Screen)]
    [InlineData("en", 360, Media.Screen)]
    [InlineData("en", PaperWidth, Media.Print)]
    [InlineData("zh", 1280, Media.Screen)]
    [InlineData("zh", 360, Media.Screen)]
    [InlineData("zh", PaperWidth, Media.Print)]
    public async Task The_report_is_whole_and_fits(string language, int width, Media media)
    {
        using var file = new ReportOnDisk(language);
        await using var page = await browser.OpenAsync(file.Url, width: width, shown: "footer");
        await page.Page.EmulateMediaAsync(new PageEmulateMediaOptions { Media = media });

        var sections = await page.Page.EvaluateAsync<string[]>("() => [...document.querySelectorAll('section')].filter(s => s.getBoundingClientRect().height > 40 && getComputedStyle(s).visibility === 'visible').map(s => s.id)");
        sections.ShouldBe(["systems", "promises", "calendar", "times", "remedies", "helpless", "figures", "bandwidth", "compared", "seeds", "oddities", "method", "faults"]);
        (await page.Page.Locator("svg").CountAsync()).ShouldBe(9);

        // Nothing reaches beyond the sheet; on a telephone a chart or table may scroll in a box of its own.
        var beyond = await page.Page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('body *')].filter(e => !(e.closest('svg') && e.tagName !== 'svg')).filter(e => {
              const box = e.closest('.wide'); const r = e.getBoundingClientRect();
              return r.width > 0 && r.right > document.documentElement.clientWidth + 1 && !(box && box !== e && getComputedStyle(box).overflowX === 'auto');
            }).slice(0, 5).map(e => e.outerHTML.slice(0, 140))
            """);
        beyond.ShouldBeEmpty();
        (await page.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")).ShouldBeLessThanOrEqualTo(0);

        // Inside the charts no text leaves its drawing, and none lies on another.
        (await page.Page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('svg')].flatMap(svg => {
              const box = svg.getBoundingClientRect();
              return [...svg.querySelectorAll('text')].filter(t => { const r = t.getBoundingClientRect(); return r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 2 || r.bottom > box.bottom + 2; }).map(t => `${svg.getAttribute('aria-label')}: ${t.textContent}`);
            })
            """)).ShouldBeEmpty();
        (await page.Page.EvaluateAsync<string[]>("""
            () => [...document.querySelectorAll('svg')].flatMap(svg => {
              const texts = [...svg.querySelectorAll('text')].map(t => [t.textContent, t.getBoundingClientRect()]);
              return texts.flatMap(([a, r], i) => texts.slice(i + 1).filter(([, q]) => r.left < q.right - 1 && q.left < r.right - 1 && r.top < q.bottom - 2 && q.top < r.bottom - 2).map(([b]) => `${svg.getAttribute('aria-label')}: '${a}' on '${b}'`));
            })
            """)).ShouldBeEmpty();
        await Pictures.TakeAsync(page.Page, $"report-{language}-{width}-{media}");
        page.Errors.Where(e => e != $"asked elsewhere: {file.Url}").ShouldBeEmpty();
    }

    [Fact]
    public async Task A_faults_story_opens_and_text_stands_out_from_its_ground()
    {
        using var file = new ReportOnDisk("en");
        await using var page = await browser.OpenAsync(file.Url, shown: "footer");
        (await page.Page.Locator("details ol").First.IsVisibleAsync()).ShouldBeFalse();
        await page.Page.Locator("details summary").First.ClickAsync();
        (await page.Page.Locator("details ol").First.IsVisibleAsync()).ShouldBeTrue();
        (await page.Page.Locator("details ol li").First.InnerTextAsync()).ShouldContain("fault");

        // Contrast by WCAG 2.1, 1.4.3: at least 4.5 to 1 against white for everything that is text.
        var faint = await page.Page.EvaluateAsync<string[]>("""
            () => {
              const part = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
              const light = c => { const [r, g, b] = c.match(/[\d.]+/g).map(Number); return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b); };
              return [...document.querySelectorAll('p, li, td, th, dt, dd, summary, small, b, footer, svg text:not(.inverse)')].filter(e => e.textContent.trim()).map(e => [e, getComputedStyle(e)])
                .filter(([e, s]) => 1.05 / (light(e.tagName === 'text' ? s.fill : s.color) + 0.05) < 4.5).map(([e]) => e.outerHTML.slice(0, 100)).slice(0, 5);
            }
            """);
        faint.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("en")]
    [InlineData("zh")]
    public async Task It_prints_on_a_few_sheets_of_A4(string language)
    {
        using var file = new ReportOnDisk(language);
        await using var page = await browser.OpenAsync(file.Url, shown: "footer");
        var pdf = await page.Page.PdfAsync(new PagePdfOptions { PreferCSSPageSize = true, PrintBackground = true });
        var text = System.Text.Encoding.Latin1.GetString(pdf);
        System.Text.RegularExpressions.Regex.Count(text, @"/Type\s*/Page\b").ShouldBeInRange(8, 16);
        text.ShouldContain("/MediaBox [0 0 594.95996 841.91998]");
    }

    /// <summary>The report as a file of its own, as people get it.</summary>
    private sealed class ReportOnDisk : IDisposable
    {
        private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("dr-report-");

        public ReportOnDisk(string language)
        {
            var path = Path.Combine(_folder.FullName, "report.html");
            File.WriteAllText(path, HtmlReport.Render(Study, Texts.Of(language)));
            Url = new Uri(path).AbsoluteUri;
        }

        public string Url { get; }

        public void Dispose() => _folder.Delete(recursive: true);
    }
}
