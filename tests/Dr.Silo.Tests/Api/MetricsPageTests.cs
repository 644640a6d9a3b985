using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Dr.Silo.Api;

namespace Dr.Silo.Tests.Api;

/// <summary>What is served, what the program says it serves, and what metrics.md says are one.</summary>
public sealed partial class MetricsPageTests(ApiFixture silo) : IClassFixture<ApiFixture>
{
    [Fact]
    public async Task The_page_describes_every_family_and_no_other()
    {
        var page = await File.ReadAllLinesAsync(Path.Combine(Path.GetDirectoryName(SourceFile())!, "..", "..", "..", "Dr.Silo", "Api", "metrics.md"));
        page.Where(line => line.StartsWith("| `dr_", StringComparison.Ordinal))
            .ShouldBe(MetricFamilies.All.Select(f => $"| `{f.Name}` | {f.Type} | {(f.Labels.Length == 0 ? "–" : f.Labels)} | {f.Help} |"));
    }

    [Fact]
    public async Task Every_family_is_served_with_its_type_and_every_sample_is_of_one()
    {
        var lines = (await silo.Http.GetStringAsync("/metrics")).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        lines.Where(l => l.StartsWith("# TYPE ", StringComparison.Ordinal)).ShouldBe(MetricFamilies.All.Select(f => $"# TYPE {f.Name} {f.Type}"));
        lines.Where(l => l[0] != '#').ShouldAllBe(l => Sample().IsMatch(l));
        foreach (var line in lines.Where(l => l[0] != '#'))
        {
            var family = MetricFamilies.All.Single(f => f.Name == line.Split('{', ' ')[0]);
            LabelName().Matches(line).Select(m => m.Groups[1].Value).ShouldBe(family.Labels.Split(',', StringSplitOptions.RemoveEmptyEntries), line);
        }

        lines.ShouldContain("dr_system_epoch{system=\"dilas\"} 1");
        lines.ShouldContain("dr_silo_healthy 1");
    }

    private static string SourceFile([CallerFilePath] string file = "") => file;

    [GeneratedRegex("^[a-z_]+(\\{([a-z]+=\"[^\"]*\",?)+\\})? -?[0-9.E+-]+$")]
    private static partial Regex Sample();

    [GeneratedRegex("([a-z]+)=\"")]
    private static partial Regex LabelName();
}
