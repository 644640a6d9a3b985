using Dr.Contracts.Mqtt;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>Real file systems on the real store, checked by their own checkers. Needs root and /dev/fuse, as the appliance's hosts do.</summary>
[Collection(FileSystemCollection.Name)]
public sealed class FileSystemTests
{
    [Theory]
    [InlineData("ext4", "mkfs.ext4", "-q -F", "e2fsck", "-f -n")]
    [InlineData("xfs", "mkfs.xfs", "-q -f", "xfs_repair", "-n")]
    [InlineData("btrfs", "mkfs.btrfs", "-q -f", "btrfs", "check")]
    public async Task A_file_system_is_used_found_clean_after_a_restart_and_every_point_of_it_opens(string kind, string make, string makeOptions, string check, string checkOptions)
    {
        await using var stand = await StoreServer.StartAsync(512 * 1024 * 1024);
        var mount = Directory.CreateDirectory(stand.Server.Scratch("mount")).FullName;
        var workload = new FileWorkload(seed: 17);
        await using (var attached = await AttachedDevice.AttachAsync(stand.Uri("volume"), stand.Server.Scratch("export")))
        {
            await Tool.RunAsync(make, [.. makeOptions.Split(' '), attached.Device]);
            await Tool.RunAsync("mount", "-t", kind, attached.Device, mount);
            try
            {
                workload.Run(mount, 250);

                // A point of a file system at work: as after a power cut, so it has to be found consistent below.
                await Tool.RunAsync("sync", "-f", mount);
                stand.Volume.CreatePoint("at work", PointConsistency.Crash, reason: null);
                workload.Run(mount, 150);
                await Tool.RunAsync("fstrim", mount);
            }
            finally
            {
                await Tool.RunAsync("umount", mount);
            }
        }

        // After a restart nothing comes out of anybody's cache: what is found was on the store's disk.
        await stand.RestartAsync();
        mount = Directory.CreateDirectory(stand.Server.Scratch("mount")).FullName;
        await using (var again = await AttachedDevice.AttachAsync(stand.Server.TcpUri, stand.Server.Scratch("export")))
        {
            await Tool.RunAsync(check, [.. checkOptions.Split(' '), again.Device]);
            await Tool.RunAsync("mount", "-t", kind, "-o", "ro", again.Device, mount);
            try
            {
                workload.Verify(mount);
            }
            finally
            {
                await Tool.RunAsync("umount", mount);
            }
        }

        // A clone of the point is writable, so that the journal can be replayed in it.
        var clone = stand.Store.CreateClone(stand.Volume, stand.Volume.Points[0].Id, "tried");
        await using var tried = await AttachedDevice.AttachAsync(stand.Uri(clone.Name), stand.Server.Scratch("clone"));
        await Tool.RunAsync("mount", "-t", kind, tried.Device, mount);
        await Tool.RunAsync("umount", mount);
        await Tool.RunAsync(check, [.. checkOptions.Split(' '), tried.Device]);
    }

    [Fact]
    public async Task Postgresql_runs_on_ext4_on_the_export()
    {
        await using var stand = await StoreServer.StartAsync(512 * 1024 * 1024);
        var mount = Directory.CreateDirectory(stand.Server.Scratch("mount")).FullName;
        await using var attached = await AttachedDevice.AttachAsync(stand.Uri("volume"), stand.Server.Scratch("export"));
        await Tool.RunAsync("mkfs.ext4", "-q", "-F", attached.Device);
        await Tool.RunAsync("mount", attached.Device, mount);
        try
        {
            // The server refuses to run as root, and reaches its directory through the test's own.
            await Tool.RunAsync("chmod", "a+rx", Path.GetDirectoryName(mount)!);
            var data = Path.Combine(mount, "pg");
            Directory.CreateDirectory(data);
            await Tool.RunAsync("chown", "postgres", data);
            await AsPostgresAsync($"initdb -D {data} -A trust -E UTF8 >/dev/null");
            await AsPostgresAsync($"pg_ctl -D {data} -w -s -l {data}/log -o \"-c listen_addresses= -c unix_socket_directories={data}\" start");
            try
            {
                await AsPostgresAsync($"pgbench -h {data} -i -s 2 -q postgres");
                await AsPostgresAsync($"pgbench -h {data} -c 4 -t 200 postgres");
                (await AsPostgresAsync($"psql -h {data} -At -c 'select sum(abalance) = (select sum(delta) from pgbench_history) from pgbench_accounts' postgres")).Trim().ShouldBe("t");
            }
            finally
            {
                await AsPostgresAsync($"pg_ctl -D {data} -w -s -m fast stop");
            }
        }
        finally
        {
            await Tool.RunAsync("umount", mount);
        }

        await Tool.RunAsync("e2fsck", "-f", "-n", attached.Device);
    }

    private static Task<string> AsPostgresAsync(string command) =>
        Tool.RunAsync("runuser", "-u", "postgres", "--", "env", "PATH=/usr/lib/postgresql/15/bin:/usr/bin:/bin", "sh", "-c", command);
}
