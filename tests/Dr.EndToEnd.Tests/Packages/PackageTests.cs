namespace Dr.EndToEnd.Tests.Packages;

/// <summary>
/// The Debian packages, installed, run, upgraded, removed and purged in an overlay of this machine. Always with the programs as they are built; <c>DR_PACKAGES=1</c>: with their own runtime, for every platform, and one of them twice, to be the same.
/// </summary>
[Collection("whole machine")]
public sealed class PackageTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Packages_come_and_go_and_never_take_volumes_along()
    {
        string[] full = Environment.GetEnvironmentVariable("DR_PACKAGES") == "1" ? ["--full"] : [];
        var (status, said) = await Repository.RunAsync("/bin/bash", ["tests/packages.sh", .. full], TimeSpan.FromMinutes(full.Length > 0 ? 25 : 4));
        output.WriteLine(said);
        status.ShouldBe(0, said);
        said.ShouldContain("packages: all as they should be");
    }
}
