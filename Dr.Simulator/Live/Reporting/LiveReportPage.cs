using Dr.Simulator.Live.Judging;
using Dr.Simulator.Reports;
using Dr.Simulator.Reports.Html;

namespace Dr.Simulator.Live.Reporting;

/// <summary>The result as one self-contained page.</summary>
internal static class LiveReportPage
{
    public static string Of(LiveReport report)
    {
        var page = new HtmlPage(Texts.Of("en"), "Faults on real processes");
        page.Add("<h1>Faults on real processes</h1>");
        page.Add($"<p class=\"sub\">{Text($"{report.BeganAt:yyyy-MM-dd HH:mm} UTC, {(report.EndedAt - report.BeganAt).TotalMinutes:F1} minutes, {report.Stories.Count} faults, seed {report.Seed}")}</p>");
        page.Add($"<p class=\"lead {(report.IsKept ? "kept" : "missed")}\">{(report.IsKept ? "Every promise was kept." : "A promise was broken.")}</p>");

        page.Section("promises", "Promises", null);
        var promises = new HtmlTable("<Promise", "<Kept", "<Found");
        foreach (var check in report.Checks)
        {
            promises.Row("", check.Promise, $"<span class=\"{(check.Holds ? "kept" : "missed")}\">{(check.Holds ? "yes" : "no")}</span>", check.Detail);
        }

        page.Wide(promises.ToString()).End();

        page.Section("systems", "Systems", "Commits that clients were answered, and what became of them.");
        var systems = new HtmlTable("<System", "<Copy", "<Home", "Committed", "Lost", "Lost over, s", "Changes of owner", "Longest wait, s");
        foreach (var system in report.Evidence.Systems)
        {
            systems.Row("", system.System.Id, system.System.Copy, system.System.Home, Number(system.Committed), Number(system.Losses.Sum(l => l.Count)), Number(system.Losses.Select(l => l.Seconds).DefaultIfEmpty().Max()), Number(system.OwnershipMoves), Number(system.LongestWait));
        }

        page.Wide(systems.ToString()).End();

        page.Section("faults", "Faults", $"A slow line is made with {report.SlowLine}. A wait is the longest time between two answered commits.");
        var faults = new HtmlTable("<Struck", "<Fault", "<Taken over", "<Waits", "<Whole again");
        foreach (var story in report.Stories)
        {
            var what = story.Corruption is { } corruption ? $"{corruption.Where}: {corruption.Found ?? "not found"}" : string.Join("; ", story.Takeovers.Select(LiveReportText.Takeover));
            faults.Row("", $"{story.StruckAt:HH:mm:ss}", $"#{story.Fault.Number} {story.Fault.Name}", what.Length > 0 ? what : "nothing", string.Join(", ", story.Waits.Select(w => $"{w.Key} {Number(w.Value)} s")), LiveReportText.Whole(story));
        }

        page.Wide(faults.ToString()).End();

        page.Section("timeline", "Everything in order", null, newPage: true);
        var timeline = new HtmlTable("<At", "<Kind", "<What");
        foreach (var entry in report.Timeline)
        {
            timeline.Row("", $"{entry.At:HH:mm:ss.f}", entry.Kind.ToString().ToLowerInvariant(), entry.What);
        }

        return page.Wide(timeline.ToString()).End().ToString();
    }

    private static string Text(FormattableString text) => HtmlPage.Text(text.ToString(CultureInfo.InvariantCulture));

    private static string Number(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);
}
