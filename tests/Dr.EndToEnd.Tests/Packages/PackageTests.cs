namespace Dr.EndToEnd.Tests.Packages;

/// <summary>
/// The Debian packages. Always: what surrounds the programs in a package is the same to the byte when it is made again. <c>DR_PACKAGES=built</c>: installed, run, upgraded, removed and purged in an overlay of this machine, with the programs as
/// they are built (20 s). <c>DR_PACKAGES=1</c>: with their own runtime, for every platform, and dr-edge twice, to be the same to the byte (minutes).
/// </summary>
[Collection("whole machine")]
public sealed class PackageTests(ITestOutputHelper output) : IDisposable
{
    private static readonly string? Wanted = Environment.GetEnvironmentVariable("DR_PACKAGES");
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-packages-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Packages_come_and_go_and_never_take_volumes_along()
    {
        Assert.SkipUnless(Wanted is "1" or "built", "DR_PACKAGES=built runs it with the programs as they are built (root, 20 s), DR_PACKAGES=1 with their own runtime (minutes)");
        string[] full = Wanted == "1" ? ["--full"] : [];
        var (status, said) = await Repository.RunAsync("/bin/bash", ["tests/packages.sh", .. full], TimeSpan.FromMinutes(full.Length > 0 ? 25 : 4));
        output.WriteLine(said);
        status.ShouldBe(0, said);
        said.ShouldContain("packages: all as they should be");
    }

    [Fact]
    public async Task A_package_that_is_made_again_is_the_same_to_the_byte_and_root_owns_what_is_in_it()
    {
        var (one, two) = (await BuildAsync("one"), await BuildAsync("two"));
        var (first, second) = (await File.ReadAllBytesAsync(one), await File.ReadAllBytesAsync(two));
        first.AsSpan().SequenceEqual(second).ShouldBeTrue();
        var (status, content) = await Repository.RunAsync("/usr/bin/dpkg-deb", ["--contents", one], TimeSpan.FromSeconds(30));
        status.ShouldBe(0, content);
        var lines = content.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.ShouldAllBe(line => line.Contains(" root/root ", StringComparison.Ordinal));
        lines.Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3..5]).Select(time => string.Join(' ', time)).Distinct().ShouldHaveSingleItem("one time for everything");
        foreach (var wanted in new[] { "./usr/bin/dr-edge", "./usr/lib/dr/dr-edge/dr-edge", "./etc/dr/edge.yaml", "./lib/systemd/system/dr-edge.service", "./usr/share/man/man1/dr-edge.1.gz" })
        {
            content.ShouldContain($" {wanted}");
        }
    }

    /// <summary>With the programs as they are built, which are the same both times; with another mask of rights, which must not show.</summary>
    private async Task<string> BuildAsync(string name)
    {
        var target = Path.Combine(_folder, name);
        var (status, said) = await Repository.RunAsync(
            "/usr/bin/env", ["DR_PACKAGE_FROM_BUILD=1", "DR_PACKAGE_COMPRESSION=none", "/bin/bash", "-c", $"umask {(name == "one" ? "022" : "077")}; exec deploy/packages/build.sh --out '{target}' dr-edge"], TimeSpan.FromMinutes(2));
        status.ShouldBe(0, said);
        return Directory.GetFiles(target, "dr-edge_*.deb").ShouldHaveSingleItem();
    }
}
