using System.Text.RegularExpressions;

namespace Dr.EndToEnd.Tests.Architecture;

/// <summary>What is promised, of the store and of the control plane, names tests that exist, for each promise.</summary>
public sealed partial class GuaranteesDocumentTests
{
    [Theory]
    [InlineData("Dr.Edge/Volumes/guarantees.md", 9)]
    [InlineData("Dr.Silo/guarantees.md", 9)]
    public void Every_promise_names_tests_that_exist(string page, int count)
    {
        var root = Repository.Root;
        var promises = File.ReadAllText(Path.Combine(root, page)).Split("\n## ")[1..];
        promises.Length.ShouldBe(count);
        var sources = Directory.GetFiles(Path.Combine(root, "tests"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .ToLookup(path => Path.GetFileName(path).Split('.')[0], File.ReadAllText);
        foreach (var promise in promises)
        {
            var named = Test().Matches(promise);
            named.Count.ShouldBeGreaterThan(1, promise[..40]);
            foreach (Match test in named)
            {
                sources[test.Groups["class"].Value].Any(source => source.Contains($" {test.Groups["method"].Value}(", StringComparison.Ordinal)).ShouldBeTrue($"there is no test {test.Value}");
            }
        }
    }

    [GeneratedRegex(@"`(?<class>\w+)\.(?<method>[A-Z]\w+_\w+)`", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Test();
}
