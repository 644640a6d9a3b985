using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Config;
using Dr.Edge.Mirroring;
using Dr.Edge.Tests.Host;
using Npgsql;

namespace Dr.Edge.Tests.Mirroring;

/// <summary>The mirror agent against a volume of ours over NBD, with its points; sources are in use.</summary>
[Collection(HostStandCollection.Name)]
public sealed class MirrorTests(PreparedDisk prepared)
{
    [Fact]
    public async Task An_image_in_use_is_followed_and_after_a_restart_only_changes_are_looked_at()
    {
        await using var edge = await EdgeStand.StartAsync(prepared);
        var image = Path.Combine(edge.Host.Root, "image");
        var content = new byte[8 << 20];
        Random.Shared.NextBytes(content);
        await File.WriteAllBytesAsync(image, content);
        await Task.Delay(150);
        var volume = edge.Volumes.Create("copy", content.Length);
        var options = Options(edge, image);

        var first = await RunAsync(edge, options);
        (first.ChangedUnits, first.Consistency, first.Reason).ShouldBe((content.Length / 512, "Crash", "the source did not change while it was read"));
        (await RunAsync(edge, options)).Unchanged.ShouldBeTrue("a new process knows that nothing has changed");

        content[5_000_000] ^= 1;
        await File.WriteAllBytesAsync(image, content);
        await Task.Delay(150);
        var second = await RunAsync(edge, options with { Quiesce = "command", Freeze = "true", Thaw = "true" });
        (second.ChangedUnits, second.Consistency).ShouldBe((1L, "Application"));
        volume.Points[^1].ShouldSatisfyAllConditions(p => p.Consistency.ShouldBe(PointConsistency.Application), p => p.Label.ShouldBe("mirror"));
        (await ReadAsync(edge, "copy", content.Length)).ShouldBe(content);

        // Held still for a snapshot that is read afterwards, while the source goes on.
        var before = content.ToArray();
        var snapshot = Path.Combine(edge.Host.Root, "snapshot");
        content[1] ^= 1;
        await File.WriteAllBytesAsync(image, content);
        await RunAsync(edge, options with { Quiesce = "command", Freeze = "true", Thaw = "true", Snapshot = $"cp {image} {snapshot}; printf changed | dd of={image} conv=notrunc status=none; echo {snapshot}", Release = "rm \"$DR_SNAPSHOT\"" });
        (await ReadAsync(edge, "copy", content.Length)).ShouldBe(content);
        File.Exists(snapshot).ShouldBeFalse();
        before.ShouldNotBe(content);
        (await edge.LeftoversAsync()).ShouldBeEmpty();
    }

    /// <summary>The change shows in the time's fraction of a second only.</summary>
    [Fact]
    public async Task A_file_that_keeps_its_size_and_its_second_is_brought_again()
    {
        await using var edge = await EdgeStand.StartAsync(prepared);
        edge.Volumes.Create("copy", 64L << 20);
        var source = Directory.CreateTempSubdirectory("dr-mirrored-");
        var target = new MirrorTarget(Options(edge, source.FullName), edge.Client, TimeProvider.System);
        var second = new DateTime(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);
        await target.AttachAsync(default);
        try
        {
            var mirror = new TreeMirror(Options(edge, source.FullName), target, TimeProvider.System);
            foreach (var (text, at) in new[] { ("one", second), ("two", second.AddMilliseconds(500)) })
            {
                var file = Path.Combine(source.FullName, "file");
                await File.WriteAllTextAsync(file, text, TestContext.Current.CancellationToken);
                File.SetLastWriteTimeUtc(file, at);
                await mirror.RoundAsync((_, _) => { }, default);
                (await File.ReadAllTextAsync(Path.Combine(target.Mount, "file"), TestContext.Current.CancellationToken)).ShouldBe(text);
            }
        }
        finally
        {
            await target.DetachAsync();
            source.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task A_database_directory_in_use_becomes_a_volume_that_the_database_opens()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_HOST_LONG") == "1", "DR_HOST_LONG=1 runs it (6 s)");
        await using var edge = await EdgeStand.StartAsync(prepared);
        await edge.Host.ExecuteAsync("create table loan (id int primary key, note text); insert into loan select i, repeat('x', 100) from generate_series(1, 5000) i");
        edge.Volumes.Create("copy", 400L << 20);
        using var stop = new CancellationTokenSource();
        var lastCommitted = 5000;
        var writer = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                await edge.Host.ExecuteAsync($"insert into loan values ({lastCommitted + 1}, 'while it is copied')");
                lastCommitted++;
            }
        });
        var options = Options(edge, edge.Host.PostgreSql.DataDirectory!) with { Quiesce = "postgresql", Connection = edge.Host.Connection };
        var target = new MirrorTarget(options, edge.Client, TimeProvider.System);
        await target.AttachAsync(default);
        try
        {
            var mirror = new TreeMirror(options, target, TimeProvider.System);
            await mirror.RoundAsync((_, _) => { }, default);
            var atLeast = Volatile.Read(ref lastCommitted);
            var round = await mirror.RoundAsync((_, _) => { }, default);
            await stop.CancelAsync();
            await writer;
            (round.Consistency, round.Reason![..23]).ShouldBe(("Application", "postgresql: backup mode"), round.Reason);

            File.ReadAllText(Path.Combine(target.Mount, "backup_label")).ShouldContain("dr-edge mirror"); // It says where recovery has to begin.
            var copy = new PostgreSqlDriver(new ComponentOptions { Name = "copy", Kind = ComponentOptions.PostgreSqlKind, DataDirectory = target.Mount, Address = "", Port = edge.Host.PostgreSql.Port }, TimeProvider.System);
            await copy.StartAsync(default);
            try
            {
                await using var session = new NpgsqlConnection(copy.DefaultConnection);
                await session.OpenAsync();
                await using var count = new NpgsqlCommand("select count(*) from loan", session);
                Convert.ToInt64(await count.ExecuteScalarAsync(), null).ShouldBeGreaterThanOrEqualTo(atLeast);
            }
            finally
            {
                await copy.StopAsync(default);
            }
        }
        finally
        {
            await stop.CancelAsync();
            await target.DetachAsync();
        }
    }

    private static MirrorOptions Options(EdgeStand edge, string source) => new()
    {
        Source = source, Volume = "copy", Nbd = $"unix:{Path.Combine(edge.Host.Root, "nbd.sock")}", StateDirectory = Path.Combine(edge.Host.Root, "mirror"), Every = TimeSpan.FromMinutes(5), Once = true,
    };

    private static async Task<MirrorRound> RunAsync(EdgeStand edge, MirrorOptions options)
    {
        MirrorRound? round = null;
        var target = new MirrorTarget(options, edge.Client, TimeProvider.System);
        await new MirrorLoop(options, target, () => new BlockMirror(options, target, TimeProvider.System), TimeProvider.System).RunAsync(r => round = r, e => throw e, (_, _) => { }, default);
        return round!;
    }

    private static async Task<byte[]> ReadAsync(EdgeStand edge, string volume, int length)
    {
        var file = Path.Combine(edge.Host.Root, "out");
        await HostStand.RunAsync("nbdcopy", $"nbd+unix:///{volume}?socket={Path.Combine(edge.Host.Root, "nbd.sock")}", file);
        return (await File.ReadAllBytesAsync(file))[..length];
    }
}
