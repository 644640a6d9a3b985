using System.Text.Json;

namespace Dr.EndToEnd.Tests;

/// <summary>The README's first command, as printed, with its own figures as the judge.</summary>
[Collection("whole machine")]
public sealed class QuickStartTests(ITestOutputHelper output)
{
    // Detection (8 s promise and probes) + lease clock (TTL 6 s and its margins) + attach, recovery of the file system and the database, on a shared machine.
    private const double TakeoverSecondsMax = 60;
    private const double StreamLossSecondsMax = 5;
    private const double PromiseSeconds = 8;

    [Theory]
    [InlineData("sync")]
    [InlineData("stream")]
    public async Task A_lost_site_is_taken_over_and_brought_home_with_nothing_lost_on_the_way(string copy)
    {
        var report = Directory.CreateTempSubdirectory("dr-quickstart-report-").FullName;
        try
        {
            var (status, text) = await Repository.RunAsync(
                "/bin/bash", ["deploy/quickstart.sh", "--no-build", "--copy", copy, "--load", "8", "--report", report], TimeSpan.FromMinutes(5));
            output.WriteLine(text);
            status.ShouldBe(0, text + Logs(report));

            using var summary = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(report, "summary.json")));
            double Number(string name) => summary.RootElement.GetProperty(name).GetDouble();
            double Ledger(string when, string name) => summary.RootElement.GetProperty(when).GetProperty(name).GetDouble();

            // On a busy machine a beat may be missing already when the power goes.
            Number("detectedSeconds").ShouldBeInRange(-PromiseSeconds, TakeoverSecondsMax);
            Number("takeoverSeconds").ShouldBeInRange(Math.Max(0.5, Number("detectedSeconds")), TakeoverSecondsMax);
            Number("failbackLost").ShouldBe(0);
            Ledger("afterTakeover", "committed").ShouldBeGreaterThan(100);
            Ledger("afterTakeover", "unexplained").ShouldBe(0);
            Ledger("afterFailback", "unexplained").ShouldBe(0);
            Ledger("afterTakeover", "lostSeconds").ShouldBeLessThanOrEqualTo(copy == "sync" ? 0 : StreamLossSecondsMax);
            new FileInfo(Path.Combine(report, "replay.html")).Length.ShouldBeGreaterThan(10_000);
            File.ReadAllText("/proc/self/mounts").ShouldNotContain("dr-quickstart.");
            Directory.GetDirectories("/tmp", "dr-quickstart.*").ShouldBeEmpty();
        }
        finally
        {
            Directory.Delete(report, recursive: true);
        }
    }

    private static string Logs(string report)
    {
        var folder = Path.Combine(report, "logs");
        return !Directory.Exists(folder) ? "" : string.Concat(Directory.GetFiles(folder, "*.log").Order(StringComparer.Ordinal)
            .Select(file => $"\n--- {Path.GetFileName(file)}\n{string.Join('\n', File.ReadLines(file).TakeLast(40))}"));
    }
}
