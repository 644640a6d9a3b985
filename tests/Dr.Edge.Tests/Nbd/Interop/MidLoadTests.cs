using Dr.Contracts.Mqtt;

namespace Dr.Edge.Tests.Nbd.Interop;

/// <summary>Points taken while a mounted file system is being written, and a volume that grows under one. Needs root and /dev/fuse, as the appliance's hosts do.</summary>
[Collection(FileSystemCollection.Name)]
public sealed class MidLoadTests
{
    // Small enough to be quick, large enough for xfs and btrfs.
    private const long SizeBytes = 320L * 1024 * 1024;

    /// <summary>All three with DR_FILE_SYSTEMS=all; ext4 is what the short run has time for.</summary>
    public static TheoryData<string, string, string> Kinds => Environment.GetEnvironmentVariable("DR_FILE_SYSTEMS") == "all"
        ? new() { { "ext4", "mkfs.ext4 -q -F", "e2fsck -f -n" }, { "xfs", "mkfs.xfs -q -f", "xfs_repair -n" }, { "btrfs", "mkfs.btrfs -q -f", "btrfs check" } }
        : new() { { "ext4", "mkfs.ext4 -q -F", "e2fsck -f -n" } };

    [Theory]
    [MemberData(nameof(Kinds))]
    public async Task A_point_taken_in_mid_load_is_as_after_a_power_cut_and_its_clone_is_clean_after_the_journal(string kind, string make, string check)
    {
        await using var stand = await StoreServer.StartAsync(SizeBytes);
        var mount = Directory.CreateDirectory(stand.Server.Scratch("mount")).FullName;
        var points = new List<PointInfo>();
        await using (var attached = await AttachedDevice.AttachAsync(stand.Uri("volume"), stand.Server.Scratch("export")))
        {
            await RunAsync(make, attached.Device);
            await Tool.RunAsync("mount", "-t", kind, attached.Device, mount);
            try
            {
                var synced = new FileWorkload(seed: 31);
                Directory.CreateDirectory(Path.Combine(mount, "synced"));
                synced.Run(Path.Combine(mount, "synced"), 60);
                await Tool.RunAsync("sync", "-f", mount);
                var stop = 0;
                var load = Task.Factory.StartNew(() => Load(Path.Combine(mount, "load"), ref stop), TaskCreationOptions.LongRunning);
                for (var number = 0; number < 3; number++)
                {
                    var before = stand.Volume.Appended;
                    await Eventually.TrueAsync("the load wrote more", () => stand.Volume.Appended.Value > before.Value + 20);
                    points.Add(stand.Volume.CreatePoint($"mid-load {number}", PointConsistency.Crash, reason: null));
                }

                Volatile.Write(ref stop, 1);
                await load;
                await CheckClonesAsync(stand, points, kind, check, clone => synced.Verify(Path.Combine(clone, "synced")));
            }
            finally
            {
                await Tool.RunAsync("umount", mount);
            }

            await RunAsync(check, attached.Device);
        }

        // The view has not moved, whatever its clone's journal did: a clone that nobody mounted is the same.
        stand.Store.CreateClone(stand.Volume, points[0].Id, "untouched");
        await Tool.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", stand.Uri($"volume@{points[0].Id}"), stand.Uri("untouched"));
    }

    [Fact]
    public async Task A_volume_that_grew_is_larger_for_clients_that_attach_again_and_ext4_grows_into_it()
    {
        await using var stand = await StoreServer.StartAsync(64L * 1024 * 1024);
        var mount = Directory.CreateDirectory(stand.Server.Scratch("mount")).FullName;
        var workload = new FileWorkload(seed: 5);
        PointInfo small;
        await using (var attached = await AttachedDevice.AttachAsync(stand.Uri("volume"), stand.Server.Scratch("export")))
        {
            await Tool.RunAsync("mkfs.ext4", "-q", "-F", attached.Device);
            await Tool.RunAsync("mount", attached.Device, mount);
            Directory.CreateDirectory(Path.Combine(mount, "work"));
            workload.Run(Path.Combine(mount, "work"), 40);
            stand.Volume.Resize(192L * 1024 * 1024); // While it is in use.
            workload.Run(Path.Combine(mount, "work"), 20);
            await Tool.RunAsync("umount", mount);
            small = stand.Volume.CreatePoint("before resize2fs", PointConsistency.Crash, reason: null);
        }

        await using var again = await AttachedDevice.AttachAsync(stand.Uri("volume"), stand.Server.Scratch("again"));
        await Tool.RunAsync("mount", again.Device, mount);
        try
        {
            await GrowAsync(again.Device, mount);
            new DriveInfo(mount).TotalSize.ShouldBeGreaterThan(150L * 1024 * 1024);
            workload.Run(Path.Combine(mount, "work"), 40);
            workload.Verify(Path.Combine(mount, "work"));
        }
        finally
        {
            await Tool.RunAsync("umount", mount);
        }

        await Tool.RunAsync("e2fsck", "-f", "-n", again.Device);
        stand.Volume.Restore(small.Id, small.At, null, CancellationToken.None);
        await Tool.RunAsync("qemu-img", "compare", "-f", "raw", "-F", "raw", stand.Uri("volume"), stand.Uri($"volume@{small.Id}"));
    }

    [Fact]
    public async Task Nbdkit_is_a_client_and_qcow2_goes_both_ways_through_it()
    {
        await using var stand = await StoreServer.StartAsync(32L * 1024 * 1024);
        var (image, through) = (stand.Server.Scratch("image.qcow2"), stand.Server.Scratch("nbdkit.sock"));
        await Tool.RunAsync("qemu-img", "create", "-q", "-f", "qcow2", image, "32M");
        await Tool.RunAsync("qemu-io", "-c", "write -P 5 1M 3M", "-c", "write -P 6 20M 64k", image);
        using var nbdkit = Tool.Start("nbdkit", "--foreground", "--unix", through, "nbd", $"uri={stand.Uri("volume")}");
        try
        {
            await Eventually.TrueAsync("nbdkit listens", () => File.Exists(through));
            var proxied = $"nbd+unix:///?socket={through}";
            await Tool.RunAsync("qemu-img", "convert", "-n", "-f", "qcow2", "-O", "raw", image, proxied);
            await Tool.RunAsync("qemu-io", "-f", "raw", "-c", "flush", "-c", "discard 2M 64k", "-c", "write -z 3M 4k", proxied);
            await Tool.RunAsync("qemu-io", "-c", "write -z 2M 64k", "-c", "write -z 3M 4k", image);
            await Tool.RunAsync("qemu-img", "compare", "-f", "qcow2", "-F", "raw", image, stand.Uri("volume"));
            await Tool.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", proxied, image + ".back");
            await Tool.RunAsync("qemu-img", "check", image + ".back");
            await Tool.RunAsync("qemu-img", "compare", "-f", "qcow2", "-F", "qcow2", image, image + ".back");
        }
        finally
        {
            nbdkit.Kill();
            await nbdkit.WaitForExitAsync();
        }
    }

    /// <summary>While it is mounted where the kernel lets us (CAP_SYS_RESOURCE, which containers lack), otherwise between two mounts.</summary>
    private static async Task GrowAsync(string device, string mount)
    {
        var (status, _, error) = await Tool.TryRunAsync("resize2fs", device);
        if (status != 0)
        {
            error.ShouldContain("Permission denied to resize");
            await Tool.RunAsync("umount", mount);
            await Tool.RunAsync("e2fsck", "-f", "-p", device);
            await Tool.RunAsync("resize2fs", device);
            await Tool.RunAsync("mount", device, mount);
        }
    }

    /// <summary>Each clone replays its journal, and then its checker and what was synced before say that nothing is missing.</summary>
    private static async Task CheckClonesAsync(StoreServer stand, List<PointInfo> points, string kind, string check, Action<string> verify)
    {
        var mount = Directory.CreateDirectory(stand.Server.Scratch("clone-mount")).FullName;
        foreach (var (point, number) in points.Select((point, number) => (point, number)))
        {
            stand.Store.CreateClone(stand.Volume, point.Id, $"tried{number}");
            await using var tried = await AttachedDevice.AttachAsync(stand.Uri($"tried{number}"), stand.Server.Scratch($"clone{number}"));

            // The original is mounted beside it, under the same UUID.
            await Tool.RunAsync("mount", "-t", kind, "-o", kind == "xfs" ? "nouuid" : "rw", tried.Device, mount);
            try
            {
                verify(mount);
            }
            finally
            {
                await Tool.RunAsync("umount", mount);
            }

            await RunAsync(check, tried.Device);
        }
    }

    /// <summary>Many small files made, written through, renamed and deleted, until told to stop.</summary>
    private static void Load(string folder, ref int stop)
    {
        Directory.CreateDirectory(folder);
        for (var round = 0; Volatile.Read(ref stop) == 0; round++)
        {
            var workload = new FileWorkload(seed: round);
            var place = Directory.CreateDirectory(Path.Combine(folder, $"r{round}")).FullName;
            workload.Run(place, 40);
            if (round >= 3)
            {
                Directory.Delete(Path.Combine(folder, $"r{round - 3}"), recursive: true);
            }
        }
    }

    private static Task RunAsync(string command, string device)
    {
        var words = command.Split(' ');
        return Tool.RunAsync(words[0], [.. words[1..], device]);
    }
}
