using System.Runtime.CompilerServices;
using Dr.Silo.Decisions.Alerts;

namespace Dr.Silo.Tests.Decisions.Alerts;

/// <summary>Every alert has its page, and every page tells what one needs at three in the morning.</summary>
public sealed class RunbookTests
{
    private static readonly string[] Sections = ["## Meaning", "## Look at", "## Do", "## Call"];

    public static TheoryData<string> Pages()
    {
        var pages = new TheoryData<string>();
        foreach (var page in AlertRules.All.Select(rule => rule.Runbook).Distinct())
        {
            pages.Add(page);
        }

        return pages;
    }

    [Fact]
    public void Every_kind_has_one_rule_and_its_page_is_in_the_index()
    {
        AlertRules.All.Select(rule => rule.Kind).ShouldBe(Enum.GetValues<AlertKind>(), ignoreOrder: true);
        var index = File.ReadAllText(Path.Combine(Folder(), "README.md"));
        foreach (var rule in AlertRules.All)
        {
            index.ShouldContain($"]({rule.Runbook}.md)");
            index.ShouldContain(rule.Kind.ToString());
        }

        // Pages that no alert names are procedures, and the index has them too.
        foreach (var page in Directory.EnumerateFiles(Folder(), "*.md").Select(Path.GetFileName).Where(name => name != "README.md"))
        {
            index.ShouldContain($"]({page})");
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void A_page_says_what_it_means_what_to_look_at_what_to_do_and_whom_to_call(string page)
    {
        var text = File.ReadAllText(Path.Combine(Folder(), $"{page}.md"));

        text.ShouldStartWith("# ");
        AlertRules.All.Where(rule => rule.Runbook == page).ShouldAllBe(rule => text.Contains(rule.Kind.ToString()));
        var at = -1;
        foreach (var section in Sections)
        {
            var next = text.IndexOf(section, StringComparison.Ordinal);
            next.ShouldBeGreaterThan(at, $"{page}: {section}");
            var end = text.IndexOf("\n## ", next + 1, StringComparison.Ordinal);
            (end < 0 ? text[next..] : text[next..end]).Length.ShouldBeGreaterThan(section.Length + 20, $"{page}: {section} is empty");
            at = next;
        }
    }

    private static string Folder([CallerFilePath] string file = "") => Path.Combine(Path.GetDirectoryName(file)!, "..", "..", "..", "..", "deploy", "runbooks");
}
