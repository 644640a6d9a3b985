using System.Diagnostics;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>Real file systems on the export, checked by their own checkers. Needs root and /dev/fuse, as the appliance's hosts do.</summary>
public sealed class FileSystemTests
{
    [Theory]
    [InlineData("ext4", "mkfs.ext4", "-q -F", "e2fsck", "-f -n")]
    [InlineData("xfs", "mkfs.xfs", "-q -f", "xfs_repair", "-n")]
    [InlineData("btrfs", "mkfs.btrfs", "-q -f", "btrfs", "check")]
    public async Task A_file_system_is_made_used_and_found_clean(string kind, string make, string makeOptions, string check, string checkOptions)
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(512 * 1024 * 1024));
        var mount = server.Scratch("mount");
        Directory.CreateDirectory(mount);
        var contents = Enumerable.Range(0, 40).Select(index => Content(index)).ToArray();

        await using (var attached = await AttachedDevice.AttachAsync(server.Uri, server.Scratch("export")))
        {
            await Tool.RunAsync(make, [.. makeOptions.Split(' '), attached.Device]);
            await Tool.RunAsync("mount", "-t", kind, attached.Device, mount);
            try
            {
                for (var index = 0; index < contents.Length; index++)
                {
                    await File.WriteAllBytesAsync(Path.Combine(mount, $"file-{index}"), contents[index]);
                }

                for (var index = 0; index < contents.Length; index += 3)
                {
                    File.Delete(Path.Combine(mount, $"file-{index}"));
                }

                await Tool.RunAsync("fstrim", mount);
            }
            finally
            {
                await Tool.RunAsync("umount", mount);
            }
        }

        // A second attachment sees nothing of the first one's caches: what it finds went over the wire.
        await using var again = await AttachedDevice.AttachAsync(server.TcpUri, server.Scratch("export"));
        await Tool.RunAsync(check, [.. checkOptions.Split(' '), again.Device]);
        await Tool.RunAsync("mount", "-t", kind, "-o", "ro", again.Device, mount);
        try
        {
            for (var index = 0; index < contents.Length; index++)
            {
                var path = Path.Combine(mount, $"file-{index}");
                if (index % 3 == 0)
                {
                    File.Exists(path).ShouldBeFalse();
                }
                else
                {
                    (await File.ReadAllBytesAsync(path)).AsSpan().SequenceEqual(contents[index]).ShouldBeTrue();
                }
            }
        }
        finally
        {
            await Tool.RunAsync("umount", mount);
        }
    }

    [Fact]
    public async Task Postgresql_runs_on_ext4_on_the_export()
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(512 * 1024 * 1024));
        var mount = server.Scratch("mount");
        Directory.CreateDirectory(mount);
        await using var attached = await AttachedDevice.AttachAsync(server.Uri, server.Scratch("export"));
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

    private static byte[] Content(int seed)
    {
        var random = new Random(seed);
        var content = new byte[random.Next(1, 2_000_000)];
        random.NextBytes(content);
        return content;
    }
}
