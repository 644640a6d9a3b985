using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;
using Dr.Edge.Host.Quiesce;

namespace Dr.Edge.Mirroring;

/// <summary>Who holds a mirror's source still for a moment.</summary>
internal static class MirrorQuiesce
{
    public const string BackupMode = QuiesceOptions.PostgreSqlProvider;

    public static async Task<IQuiesceWindow> EnterAsync(MirrorOptions options, TimeProvider time, CancellationToken cancellationToken)
    {
        var log = Path.Combine(options.StateDirectory, "quiesce.log");
        var provider = options.Quiesce switch
        {
            QuiesceOptions.FileSystemProvider => FreezeQuiesce.OfFileSystem(await MountPointAsync(options.Source, cancellationToken), options.Timeout, log, time),
            QuiesceOptions.CommandProvider => new FreezeQuiesce("command pair", options.Freeze!, options.Thaw!, options.Timeout, log, time),
            _ => throw new DrException($"'{options.Quiesce}' does not hold {options.Source} still.", "For a block device or an image use fsfreeze or command; for a directory postgresql as well."),
        };
        return await provider.EnterAsync(cancellationToken);
    }

    /// <summary>Where the file system of the source is mounted: of a device itself, of a file or directory the one it lies on.</summary>
    private static async Task<string> MountPointAsync(string source, CancellationToken cancellationToken)
    {
        var isDevice = source.StartsWith("/dev/", StringComparison.Ordinal);
        var found = await ProgramRunner.RunAsync("findmnt", ["--noheadings", "--output", "TARGET", isDevice ? "--source" : "--target", source], TimeSpan.FromSeconds(10), cancellationToken);
        var mount = found.Require($"Looking where {source} is mounted", "A device that is not mounted needs no freeze; leave --quiesce away.").Output.Trim().Split('\n')[0];
        return mount == "/" ? throw new DrException("The root file system cannot be frozen: the agent itself would wait.", "Use a command pair, or a snapshot.") : mount;
    }
}
