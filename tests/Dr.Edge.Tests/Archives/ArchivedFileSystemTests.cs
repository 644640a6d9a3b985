using Dr.Contracts.Mqtt;
using Dr.Edge.Archives;
using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Archives.Restoring;
using Dr.Edge.Archives.Writing;
using Dr.Edge.Tests.Nbd;
using Dr.Edge.Tests.Nbd.Interop;

namespace Dr.Edge.Tests.Archives;

/// <summary>A real file system through an archive and back, checked by its own checker. Needs root and /dev/fuse.</summary>
[Collection(FileSystemCollection.Name)]
public sealed class ArchivedFileSystemTests
{
    [Fact]
    public async Task A_file_system_comes_back_from_an_archive_file_by_file()
    {
        await using var stand = await StoreServer.StartAsync(256 * 1024 * 1024);
        var mount = Directory.CreateDirectory(stand.Server.Scratch("mount")).FullName;
        var workload = new FileWorkload(seed: 23);
        await using (var attached = await AttachedDevice.AttachAsync(stand.Uri("volume"), stand.Server.Scratch("export")))
        {
            await Tool.RunAsync("mkfs.ext4", "-q", "-F", attached.Device);
            await Tool.RunAsync("mount", attached.Device, mount);
            try
            {
                workload.Run(mount, 150);
                await Tool.RunAsync("fstrim", mount);
            }
            finally
            {
                await Tool.RunAsync("umount", mount);
            }
        }

        var point = stand.Volume.CreatePoint("unmounted", PointConsistency.Application, reason: null);
        var medium = Directory.CreateDirectory(stand.Server.Scratch("medium")).FullName;
        var secret = new ArchiveSecret(ArchiveKeyKind.Passphrase, "a passphrase"u8.ToArray());
        using (var view = stand.Volume.OpenView(point.Id))
        {
            var request = new ArchiveRequest("unmounted", medium, null, 4 << 20, Compress: true, secret.Kind, secret.Bytes);
            ArchiveCreation.Run(view, point, request, DateTimeOffset.UnixEpoch, (_, _) => { }, CancellationToken.None);
        }

        using (var set = ArchiveLocator.FindOne(medium, null))
        {
            set.Name.ShouldBe($"volume-{point.Id}");
            using var target = new VolumeTarget(stand.Store, set, "back");
            ArchiveRestore.Run(set, secret, target, "back", salvage: false, (_, _) => { }, CancellationToken.None);
        }

        await using var back = await AttachedDevice.AttachAsync(stand.Uri("back"), stand.Server.Scratch("back"));
        await Tool.RunAsync("e2fsck", "-f", "-n", back.Device);
        await Tool.RunAsync("mount", "-o", "ro", back.Device, mount);
        try
        {
            workload.Verify(mount);
        }
        finally
        {
            await Tool.RunAsync("umount", mount);
        }
    }
}
