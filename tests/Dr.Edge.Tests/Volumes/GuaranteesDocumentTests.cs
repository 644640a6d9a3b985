using System.Text.RegularExpressions;

namespace Dr.Edge.Tests.Volumes;

/// <summary>guarantees.md names tests that exist, for each of its promises.</summary>
public sealed partial class GuaranteesDocumentTests
{
    [Fact]
    public void Every_promise_names_tests_that_exist()
    {
        var root = FormatDocumentTests.RepositoryRoot();
        var promises = File.ReadAllText(Path.Combine(root, "Dr.Edge", "Volumes", "guarantees.md")).Split("\n## ")[1..];
        promises.Length.ShouldBe(8);
        var sources = Directory.GetFiles(Path.Combine(root, "tests"), "*.cs", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/obj/", StringComparison.Ordinal) && !path.Contains("/bin/", StringComparison.Ordinal))
            .ToLookup(path => Path.GetFileNameWithoutExtension(path), File.ReadAllText);
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
