using System.Globalization;
using System.Text.RegularExpressions;

namespace Dr.EndToEnd.Tests.Packages;

/// <summary>The systemd units are right in systemd's own eyes, and keep their services as small as they can be.</summary>
public sealed partial class UnitTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-units-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>systemd counts 0 (nothing is open) to 10; below 2.0 it calls a unit OK, from 7.0 on it calls one EXPOSED or worse.</summary>
    [Theory]
    [InlineData("dr-edge", "dr-edge.service", 2.0)]
    [InlineData("dr-silo", "dr-silo.service", 2.0)]
    [InlineData("dr-edge", "dr-edge-host.service", 8.0)]
    public async Task A_unit_is_right_and_hardened(string package, string unit, double exposureMax)
    {
        // systemd looks whether the program is there; here it is where it was built.
        var text = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "packages", package, "root", "lib", "systemd", "system", unit));
        var path = Path.Combine(_folder, unit);
        await File.WriteAllTextAsync(path, text.Replace("/usr/bin/dr-edge", EdgeProcess.Program, StringComparison.Ordinal).Replace("/usr/bin/dr-silo", Repository.Program("Dr.Silo", "dr-silo"), StringComparison.Ordinal));
        var (status, said) = await Repository.RunAsync("/usr/bin/systemd-analyze", ["verify", "--man=no", "--recursive-errors=no", path], TimeSpan.FromSeconds(30));
        (status, said.Trim()).ShouldBe((0, ""));

        // Nobody may be there to start it again: whatever ended it, for as long as it takes, except what only a person can mend (a wrong configuration ends with 2).
        string[] again = ["StartLimitIntervalSec=0", "Restart=always", "RestartPreventExitStatus=2", "RestartSec=2"];
        text.Split('\n').Intersect(again).ShouldBe(again);

        var (_, exposure) = await Repository.RunAsync("/usr/bin/systemd-analyze", ["security", "--no-pager", "--offline=true", path], TimeSpan.FromSeconds(30));
        var level = Overall().Match(exposure).Groups["level"];
        level.Success.ShouldBeTrue(exposure);
        double.Parse(level.ValueSpan, CultureInfo.InvariantCulture).ShouldBeLessThanOrEqualTo(exposureMax, exposure);
    }

    [GeneratedRegex(@"Overall exposure level for [^:]+: (?<level>[\d.]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Overall();
}
