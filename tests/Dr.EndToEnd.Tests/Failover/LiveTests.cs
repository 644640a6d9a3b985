using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Dr.EndToEnd.Tests.Failover;

/// <summary><c>dr-sim live</c> as a program, with real processes in network namespaces. <c>DR_LIVE=1</c> runs it (root; about three minutes); <c>DR_LIVE_MINUTES</c> and <c>DR_LIVE_SEED</c> make it longer and another one.</summary>
[Collection("whole machine")]
public sealed class LiveTests(ITestOutputHelper output)
{
    private static string Program => Repository.Program("Dr.Simulator", "dr-sim");

    [Fact]
    public async Task A_short_run_keeps_every_promise_and_leaves_nothing_behind()
    {
        Skip();
        var folder = Directory.CreateTempSubdirectory("dr-live-report-").FullName;
        try
        {
            var report = Path.Combine(folder, "live.json");
            var minutes = Environment.GetEnvironmentVariable("DR_LIVE_MINUTES") ?? "1";
            var (status, said) = await Repository.RunAsync(
                Program, ["live", "--minutes", minutes, "--seed", Environment.GetEnvironmentVariable("DR_LIVE_SEED") ?? "1", "--report", report], TimeSpan.FromMinutes(8 + double.Parse(minutes, CultureInfo.InvariantCulture)));
            output.WriteLine(said);

            status.ShouldBe(0, said);
            using var document = JsonDocument.Parse(await File.ReadAllTextAsync(report));
            document.RootElement.GetProperty("stories").GetArrayLength().ShouldBeGreaterThan(0);
            document.RootElement.GetProperty("checks").EnumerateArray().ShouldAllBe(c => c.GetProperty("holds").GetBoolean());
            NothingIsLeft();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task What_a_killed_run_leaves_behind_is_found_and_removed()
    {
        Skip();
        using (var run = Process.Start(new ProcessStartInfo(Program, ["live", "--minutes", "1"]) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false })!)
        {
            while (await run.StandardError.ReadLineAsync() is { } line && !line.Contains("clients at work", StringComparison.Ordinal))
            {
                // Until everything that a run makes is there.
            }

            run.Kill();
            await run.WaitForExitAsync();
        }

        Directory.GetFiles("/run/netns", "drlive*").ShouldNotBeEmpty("the test has to leave something behind");
        var (status, said) = await Repository.RunAsync(Program, ["live", "--clean"], TimeSpan.FromMinutes(1));

        status.ShouldBe(0, said);
        said.ShouldContain("Removed");
        NothingIsLeft();
    }

    private static void NothingIsLeft()
    {
        File.ReadAllText("/proc/self/mounts").ShouldNotContain("/tmp/drlive");
        Directory.GetDirectories("/tmp", "drlive*").ShouldBeEmpty();
        Directory.GetFiles("/run/netns", "drlive*").ShouldBeEmpty();
        Directory.GetFiles("/run/dr-live").ShouldBeEmpty();
    }

    private static void Skip() => Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_LIVE") == "1", "DR_LIVE=1 runs dr-sim live (root, network namespaces; about three minutes)");
}
