using Dr.Edge.Cli;
using Dr.Edge.Host;
using Dr.Edge.Host.Attach;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Quiesce;

namespace Dr.Edge.Mirroring;

/// <summary>The volume that a mirror writes: attached over NBD as a file, its points taken over the control socket where there is one.</summary>
internal sealed class MirrorTarget(MirrorOptions options, ControlClient? control, TimeProvider time)
{
    private readonly HostPaths _paths = new(options.StateDirectory, options.Volume, options.Volume);
    private readonly AttachmentSession _attachment = new(
        new SystemConfig { Id = options.Volume, Volume = options.Volume, Mount = MountOf(options), FileSystem = options.FileSystem }, options.Volume, new HostPaths(options.StateDirectory, options.Volume, options.Volume), options.Nbd, time);

    public string File => _paths.ExportFile;

    /// <summary>Where the volume's own file system is mounted, for a directory.</summary>
    public string Mount => MountOf(options);

    public AttachmentSession Attachment => _attachment;

    public bool HasControl => control is not null;

    /// <summary>What is known of the volume; null without a control socket.</summary>
    public async Task<VolumeSummary?> SummaryAsync(CancellationToken cancellationToken) =>
        control is null ? null : (await control.GetAsync<List<VolumeSummary>>("volumes", cancellationToken)).Find(v => v.Name == options.Volume)
            ?? throw new DrException($"There is no volume {options.Volume} here.", $"Make one: dr-edge volume create {options.Volume} --size SIZE");

    /// <summary>Takes down what an earlier run left, then attaches.</summary>
    public async Task AttachAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_paths.ExportDirectory);
        await DetachAsync();
        await _attachment.AttachExportAsync(cancellationToken);
    }

    public async Task DetachAsync()
    {
        if (!Directory.Exists(_paths.Root))
        {
            return;
        }

        await _attachment.UnmountAsync(stale: true, CancellationToken.None);
        await _attachment.DetachLoopAsync(CancellationToken.None);
        await _attachment.DetachExportAsync(stale: true, CancellationToken.None);
    }

    /// <summary>Null without a control socket: then the appliance takes points at its own rhythm.</summary>
    public async Task<PointInfo?> PointAsync(QuiesceMark mark, CancellationToken cancellationToken) => control is null ? null
        : await control.PostAsync<PointInfo>(
            $"volumes/{ControlPath.Segment(options.Volume)}/points", new CreatePointRequest("mirror", new ClaimedConsistency(mark.Consistency == PointConsistency.Application, mark.Reason)), cancellationToken);

    private static string MountOf(MirrorOptions options) => Path.Combine(options.StateDirectory, "mirror-" + options.Volume);
}
