namespace Dr.EndToEnd.Tests.Commands;

/// <summary>What a person, a script or an attacker gets wrong: one sentence and a hint on standard error, 1 when it was refused and 2 when it could not be understood, and nothing done.</summary>
[Collection("whole machine")]
public sealed class WrongInputTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-wrong-").FullName;

    [Fact]
    public async Task Wrong_and_hostile_input_is_refused_with_a_hint_and_changes_nothing()
    {
        await using var edge = await EdgeProcess.StartAsync(_folder);
        await edge.RunAsync("volume", "create", "v", "--size", "16MiB");
        var point = await edge.RunAsync("point", "create", "v", "--label", "a/b");

        (int Status, string Says, string[] Arguments)[] cases =
        [
            (2, "Required argument", ["volume", "show"]),
            (2, "not a size", ["volume", "create", "w", "--size", "much"]),
            (2, "no tier", ["volume", "set", "v", "--keep", "junk"]),
            (2, "name is empty", ["volume", "show", ""]),
            (2, "--at or --undo", ["restore", "v"]),
            (1, "multiple of 4 KiB", ["volume", "create", "w", "--size", "5000"]),
            (1, "no name for a volume", ["volume", "create", "../w", "--size", "16MiB"]),
            (1, "cannot shrink", ["volume", "resize", "v", "--size", "4MiB"]),
            (1, "no point '..'", ["point", "delete", "v", ".."]),
            (1, "no volume or clone named ..", ["volume", "delete", ".."]),
            (1, "at most 200 characters", ["point", "create", "v", "--label", new string('x', 5000)]),
            (1, "nor a block device", ["export", "v", "/dev/null"]),
            (1, "data directory", ["export", "v", Path.Combine(_folder, "data", "volumes", "x")]),
            (1, "nor a block device", ["import", "/dev/zero", "v"]),
        ];
        var answers = await Task.WhenAll(cases.Select(one => edge.TryAsync(one.Arguments)));
        foreach (var (one, (status, output)) in cases.Zip(answers))
        {
            var said = $"dr-edge {string.Join(' ', one.Arguments)} [{status}]: {output}";
            status.ShouldBe(one.Status, said);
            output.ShouldContain(one.Says, customMessage: said);
            output.ShouldContain("Hint: ", customMessage: said);
            output.ShouldNotContain("   at ", customMessage: said);
        }

        (await edge.RunAsync("point", "list", "v", "--json")).ShouldContain(point);
        (await edge.RunAsync("point", "delete", "v", "a/b")).ShouldContain(point);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
