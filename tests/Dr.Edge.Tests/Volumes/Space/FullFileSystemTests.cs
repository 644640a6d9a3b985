using Dr.Contracts.Mqtt;
using Dr.Edge.Cli;
using Dr.Edge.Nbd;
using Dr.Edge.Tests.Nbd;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Tests.Volumes.Space;

/// <summary>A real file system is filled by a real NBD client of a real process, and what is read is compared with what was answered.</summary>
public sealed class FullFileSystemTests
{
    private const int Piece = 64 * 1024;
    private const long VolumeBytes = 16L << 20;
    private readonly byte[] _oracle = new byte[VolumeBytes];
    private readonly Random _random = new(1);

    [Fact]
    public async Task Refusing_writes_keeps_history_survives_a_kill_and_goes_on_when_there_is_space()
    {
        await using var disk = await SmallFileSystem.CreateAsync(64, "points: {whenFull: refuse}\n");
        var ballast = Path.Combine(disk.Mount, "ballast");
        await File.WriteAllBytesAsync(ballast, new byte[12 << 20], TestContext.Current.CancellationToken);
        await disk.StartAsync();
        await disk.Client.PostAsync<VolumeSummary>("volumes", new CreateVolumeRequest("v", VolumeBytes), TestContext.Current.CancellationToken);
        var points = 0;
        using (var client = disk.Attach("v"))
        {
            for (var i = 0; WritePiece(client); i++)
            {
                i.ShouldBeLessThan(1000, "the disk did not fill up");
                if (i % 40 == 39)
                {
                    await PointAsync(disk);
                    points++;
                }
            }

            // What was answered can still be flushed and read; more is refused.
            Flush(client).ShouldBe(NbdError.None);
            WritePiece(client).ShouldBeFalse();
            client.Read(0, (int)VolumeBytes).AsSpan().SequenceEqual(_oracle).ShouldBeTrue();
        }

        await disk.KillAsync();
        await disk.StartAsync();
        using (var client = disk.Attach("v"))
        {
            client.Read(0, (int)VolumeBytes).AsSpan().SequenceEqual(_oracle).ShouldBeTrue();
            WritePiece(client).ShouldBeFalse();
            var shown = await disk.Client.GetAsync<VolumeSummary>("volumes/v", TestContext.Current.CancellationToken);
            (shown.Fault, shown.PointCount, shown.Space!.Level).ShouldBe((null, points, SpaceLevel.Full));
            shown.Space.RefusedWrites.ShouldBeGreaterThan(0);
            await disk.Client.DeleteAsync<Deleted>($"volumes/v/points/{shown.Space.Points![0].Point}", TestContext.Current.CancellationToken);

            // Space comes back without us: writing goes on, without a restart.
            File.Delete(ballast);
            for (var tries = 0; !WritePiece(client); tries++)
            {
                tries.ShouldBeLessThan(300, "writes were still refused 30 s after there was space again");
                await Task.Delay(100, TestContext.Current.CancellationToken);
            }

            Flush(client).ShouldBe(NbdError.None);
            await PointAsync(disk);
            client.Read(0, (int)VolumeBytes).AsSpan().SequenceEqual(_oracle).ShouldBeTrue();
        }

        disk.Log.ShouldContain("[1153]");
        disk.Log.ShouldNotContain("[1101]");
    }

    [Fact]
    public async Task Deleting_points_of_a_full_disk_frees_it_and_writes_go_on_by_themselves()
    {
        await using var disk = await SmallFileSystem.CreateAsync(64, "points: {whenFull: refuse}\n");
        await disk.StartAsync();
        await disk.Client.PostAsync<VolumeSummary>("volumes", new CreateVolumeRequest("v", VolumeBytes), TestContext.Current.CancellationToken);
        using var client = disk.Attach("v");
        for (var i = 0; WritePiece(client); i++)
        {
            i.ShouldBeLessThan(1000, "the disk did not fill up");
            if (i % 100 == 99)
            {
                await PointAsync(disk);
            }
        }

        // What the points kept lies inside the fine window still, and nothing else is done to the disk: deleting them by hand is enough.
        var full = await disk.Client.GetAsync<VolumeSummary>("volumes/v", TestContext.Current.CancellationToken);
        foreach (var point in full.Space!.Points!.SkipLast(1))
        {
            await disk.Client.DeleteAsync<Deleted>($"volumes/v/points/{point.Point}", TestContext.Current.CancellationToken);
        }

        // Space comes back piece by piece, so that a write may find none once more in between.
        for (int written = 0, refused = 0; written < 40;)
        {
            if (WritePiece(client))
            {
                written++;
                continue;
            }

            (++refused).ShouldBeLessThan(400, $"writes were still refused 40 s after the points went, {written} were taken: {disk.Log}");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        Flush(client).ShouldBe(NbdError.None);
        client.Read(0, (int)VolumeBytes).AsSpan().SequenceEqual(_oracle).ShouldBeTrue();
        disk.Log.ShouldNotContain("[1101]");
    }

    [Fact]
    public async Task History_gives_way_and_the_client_never_sees_a_full_disk()
    {
        await using var disk = await SmallFileSystem.CreateAsync(96, "points: {whenFull: history-gives-way}\n");
        await disk.StartAsync();
        await disk.Client.PostAsync<VolumeSummary>("volumes", new CreateVolumeRequest("v", VolumeBytes), TestContext.Current.CancellationToken);
        using (var client = disk.Attach("v"))
        {
            // Twice what the disk holds, ended by kill -9.
            for (var i = 0; i < 4000; i++)
            {
                WritePiece(client).ShouldBeTrue($"a write was refused after {i} of 64 KiB: {disk.Log}");
                if (i % 100 == 99)
                {
                    await PointAsync(disk);
                }

                if (i == 2600)
                {
                    Flush(client).ShouldBe(NbdError.None);
                    await disk.KillAsync();
                    break;
                }
            }
        }

        await disk.StartAsync();
        using (var client = disk.Attach("v"))
        {
            client.Read(0, (int)VolumeBytes).AsSpan().SequenceEqual(_oracle).ShouldBeTrue("after kill -9 while nearly full");
            for (var i = 0; i < 600; i++)
            {
                WritePiece(client).ShouldBeTrue($"a write was refused after the restart: {disk.Log}");
            }

            client.Read(0, (int)VolumeBytes).AsSpan().SequenceEqual(_oracle).ShouldBeTrue();
        }

        var verified = await disk.Client.StreamAsync<VerifyResult>(HttpMethod.Post, "volumes/v/verify", new VerifyRequest(null), _ => { }, TestContext.Current.CancellationToken);
        verified.Bad.ShouldBeEmpty();
        disk.Log.ShouldContain("[1160]");
        disk.Log.ShouldNotContain("[1101]");
    }

    /// <summary>False when the disk is full; any other refusal fails.</summary>
    private bool WritePiece(ScriptedClient client)
    {
        var offset = _random.Next((int)(VolumeBytes / Piece)) * Piece;
        var data = new byte[Piece];
        _random.NextBytes(data);
        var error = client.Write((ulong)offset, data);
        if (error == NbdError.None)
        {
            data.CopyTo(_oracle, offset);
            return true;
        }

        error.ShouldBe(NbdError.NoSpace);
        return false;
    }

    private static NbdError Flush(ScriptedClient client)
    {
        client.Request(NbdCommand.Flush, 0, 0);
        return client.SimpleReply();
    }

    private static Task<PointInfo> PointAsync(SmallFileSystem disk) => disk.Client.PostAsync<PointInfo>("volumes/v/points", new CreatePointRequest(null), TestContext.Current.CancellationToken);
}
