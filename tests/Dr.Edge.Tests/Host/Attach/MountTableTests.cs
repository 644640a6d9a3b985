using Dr.Edge.Host.Attach;

namespace Dr.Edge.Tests.Host.Attach;

public sealed class MountTableTests
{
    private const string Text = """
        22 1 253:0 / / rw,relatime - ext4 /dev/vda rw,discard
        90 22 0:55 / /data/export rw,nosuid,nodev,relatime shared:7 master:1 - fuse.nbdfuse nbdfuse rw,user_id=0
        91 22 7:0 / /srv/with\040space\134 ro,noatime - ext4 /dev/loop0 rw,emergency_ro
        broken line

        """;

    [Fact]
    public void Mounts_are_read_with_optional_fields_and_escapes()
    {
        var mounts = MountTable.Parse(Text);
        mounts.Select(m => m.MountPoint).ShouldBe(["/", "/data/export", "/srv/with space\\"]);
        mounts[1].FileSystem.ShouldBe("fuse.nbdfuse");
        mounts[2].Source.ShouldBe("/dev/loop0");
    }

    [Fact]
    public void A_file_system_that_gave_up_writing_is_read_only()
    {
        var mounts = MountTable.Parse(Text);
        mounts[0].IsReadOnly.ShouldBeFalse();
        mounts[2].IsReadOnly.ShouldBeTrue();
        MountTable.Parse("1 1 7:0 / /a rw,noatime - ext4 /dev/loop0 rw,errors=remount-ro").Single().IsReadOnly.ShouldBeFalse();
    }
}
