using System.Text.RegularExpressions;
using Dr.Simulator.Replay;
using Dr.Simulator.Replay.Compare;
using Dr.Simulator.Reports;
using Dr.Simulator.Reports.Html;

namespace Dr.Simulator.Tests.Reports;

public sealed class HtmlReportTests
{
    private static readonly ReplayStudy Study = ReplayStudy.Run(FaultLog.Load(null, null), 1, 2, 1, null, CancellationToken.None);

    public static TheoryData<string> Languages => [.. Texts.Languages];

    [Fact]
    public void Both_languages_have_the_same_texts_with_the_same_places()
    {
        Texts.Chinese.Keys.Order().ShouldBe(Texts.English.Keys.Order());
        foreach (var key in Texts.English.Keys)
        {
            Places(Texts.Chinese[key]).ShouldBe(Places(Texts.English[key]), key);
            Texts.Chinese[key].ShouldNotBeNullOrWhiteSpace(key);
        }

        static string[] Places(string text) => [.. Regex.Matches(text, @"\{\d+\}").Select(m => m.Value).Distinct().Order()];
    }

    [Fact]
    public void Chinese_is_Chinese()
    {
        string[] same = ["axis.mbps", "network.mpls-vpn", "unit.percent", "bandwidth.class", "promise.below"];
        foreach (var key in Texts.English.Keys.Where(k => !same.Contains(k)))
        {
            Texts.Chinese[key].ShouldNotBe(Texts.English[key], key);
        }
    }

    [Theory]
    [MemberData(nameof(Languages))]
    public void Every_text_is_used_and_every_one_asked_for_is_there(string language)
    {
        var source = string.Concat(Directory.EnumerateFiles(SourceFolder(), "*.cs", SearchOption.AllDirectories).Select(File.ReadAllText));
        foreach (var key in Texts.Of(language).Keys)
        {
            var family = key.Contains('.', StringComparison.Ordinal) ? key[..(key.IndexOf('.', StringComparison.Ordinal) + 1)] : key;
            (source.Contains($"\"{key}\"", StringComparison.Ordinal) || source.Contains($"$\"{family}{{", StringComparison.Ordinal)).ShouldBeTrue($"nobody asks for '{key}'");
        }
    }

    [Theory]
    [MemberData(nameof(Languages))]
    public void The_page_loads_nothing_from_elsewhere_and_shows_every_system(string language)
    {
        var texts = Texts.Of(language);
        var html = HtmlReport.Render(Study, texts);
        Regex.IsMatch(html, "(src|href)\\s*=|@import|url\\(|<script", RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture).ShouldBeFalse();
        html.ShouldContain($"<html lang=\"{texts.Language}\">");
        foreach (var system in Study.Replay.Systems)
        {
            html.ShouldContain(System.Net.WebUtility.HtmlEncode(texts.Name(system)));
        }

        foreach (var incident in Study.Replay.Incidents)
        {
            html.ShouldContain(System.Net.WebUtility.HtmlEncode(texts.Symptom(incident)));
        }

        html.ShouldContain("71 →</span> 5");
        html.ShouldContain("48 ");
        html.ShouldNotContain("NaN", Case.Sensitive);
        html.ShouldNotContain("∞", Case.Sensitive);
        Regex.IsMatch(html, @">[^<]*\{\d\}").ShouldBeFalse("a place was left open in a text");
    }

    [Fact]
    public void A_study_of_one_seed_without_comparisons_has_neither_part()
    {
        var html = HtmlReport.Render(Study with { Sweep = null, Comparisons = null }, Texts.English);
        html.ShouldNotContain("id=\"seeds\"");
        html.ShouldNotContain("id=\"compared\"");
    }

    [Fact]
    public void A_broken_rule_is_shown_before_the_method()
    {
        HtmlReport.Render(Study, Texts.English).ShouldNotContain("id=\"broken\"");
        HtmlReport.Render(Study with { Replay = Study.Replay with { Violations = ["dilas: the <epoch> fell."] } }, Texts.English).ShouldContain("dilas: the &lt;epoch&gt; fell.");
    }

    [Fact]
    public void Names_in_a_log_are_text_and_never_markup()
    {
        var nasty = Study with { Replay = Study.Replay with { Systems = [.. Study.Replay.Systems.Select(s => s with { Name = "<b onclick=x>\"&" })] } };
        HtmlReport.Render(nasty, Texts.English).ShouldNotContain("<b onclick");
    }

    [Fact]
    public void Each_way_of_the_comparisons_has_a_name() =>
        Study.Comparisons!.SelectMany(c => c.Ways).ShouldAllBe(w => HtmlTables.Way(w.Id, Texts.Chinese).Length > 0 && HtmlTables.Way(w.Id, Texts.English).Length > 0 && w.Seeds == 1);

    private static string SourceFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Dr.slnx")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder!.FullName, "Dr.Simulator");
    }
}
