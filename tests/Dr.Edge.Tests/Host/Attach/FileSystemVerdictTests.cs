using Dr.Edge.Host.Attach;

namespace Dr.Edge.Tests.Host.Attach;

public sealed class FileSystemVerdictTests
{
    [Theory]
    [InlineData("ext4", 0, false, "Sound")]
    [InlineData("ext4", 1, false, "Repaired")]
    [InlineData("ext4", 3, false, "Repaired")]
    [InlineData("ext4", 4, false, "Damaged")]
    [InlineData("ext4", 5, false, "Damaged")]
    [InlineData("ext4", 8, false, "NotChecked")]
    [InlineData("ext4", 9, false, "NotChecked")]
    [InlineData("ext4", 16, false, "NotChecked")]
    [InlineData("xfs", 0, false, "Sound")]
    [InlineData("xfs", 1, false, "ReplayFirst")]
    [InlineData("xfs", 2, false, "ReplayFirst")]
    [InlineData("xfs", 1, true, "Damaged")]
    [InlineData("btrfs", 0, false, "Sound")]
    [InlineData("btrfs", 1, false, "Damaged")]
    public void The_exit_status_of_a_checker_is_understood(string fileSystem, int exitCode, bool replayed, string fitness) =>
        FileSystemVerdict.Of(fileSystem, exitCode, replayed).ToString().ShouldBe(fitness);
}
