using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Attach;

/// <summary>
/// One system's volume on this machine: export → file (nbdfuse, or qemu-storage-daemon where requests are to wait for an appliance that is away) → block device (loop) → mounted file system. Each action first looks what is there, so
/// each may be repeated. An fsync in the file system reaches the store: the loop device passes it on as an fsync of the file, and the client of the export as NBD FLUSH.
/// </summary>
/// <param name="volume">The export: the system's volume, or a clone of it.</param>
/// <param name="beside">The file system of which this is a clone may be mounted at the same time.</param>
internal sealed class AttachmentSession(SystemConfig system, string volume, HostPaths paths, string nbdAddress, TimeProvider time, bool beside = false)
{
    private static readonly TimeSpan Quick = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan ProbeTimeout = TimeSpan.FromSeconds(5);

    // A check after an unclean end replays the journal, and reads all metadata when it is due.
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromMinutes(10);

    private readonly TimeSpan _hold = HoldingClient.HoldFor(nbdAddress, system.Hold, HoldingClient.IsInstalled);
    private readonly string _mount = system.Mount?.TrimEnd('/') ?? throw new ArgumentException("The system has no file system.", nameof(system));
    private readonly string _volume = volume;

    /// <exception cref="DrException">Something of somebody else is in the way.</exception>
    public async Task<(LayerState Export, LayerState Loop, LayerState Mount)> ObserveAsync(CancellationToken cancellationToken)
    {
        var mounts = Mounts();
        var export = ExportMount(mounts) is not null ? LayerState.Present : LayerState.Absent;
        if (export == LayerState.Present && await ProbeAsync(cancellationToken) is not null)
        {
            export = LayerState.Stale;
        }

        var loops = Loops();
        var loop = loops.Count switch
        {
            0 => LayerState.Absent,
            1 when export == LayerState.Present && !loops[0].FileIsGone => LayerState.Present,
            _ => LayerState.Stale,
        };
        var mount = LayerState.Absent;
        foreach (var entry in mounts.Where(m => m.MountPoint == _mount))
        {
            if (loops.Any(l => l.Device == entry.Source))
            {
                mount = loop == LayerState.Present && !entry.IsReadOnly ? LayerState.Present : LayerState.Stale;
            }
            else if (entry.FileSystem == system.FileSystem && entry.Source.StartsWith("/dev/loop", StringComparison.Ordinal) && !File.Exists(BackingFile(entry.Source)))
            {
                mount = LayerState.Stale; // Its loop device was taken away below it; the kernel keeps both until the last user is gone.
            }
            else
            {
                throw new DrException($"{_mount} is in use: {entry.Source} is mounted there.", "Unmount it, or choose another mount point for the system.");
            }
        }

        return (export, loop, mount);
    }

    /// <summary>Reads a little past every cache. Null when the store answers, else why it does not. Takes as long as requests are held: within that time an appliance that is away is no fault.</summary>
    public async Task<string?> ProbeAsync(CancellationToken cancellationToken)
    {
        try
        {
            var read = await ProgramRunner.RunAsync("dd", [$"if={paths.ExportFile}", "of=/dev/null", "bs=4096", "count=1", "iflag=direct", "status=none"], _hold + ProbeTimeout, cancellationToken);
            return read.Succeeded ? null : $"the volume does not answer: {read.LastWords}";
        }
        catch (Exception exception) when (exception.MayPass() && !cancellationToken.IsCancellationRequested)
        {
            return $"the volume does not answer: {exception.Message}";
        }
    }

    public async Task AttachExportAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(paths.ExportDirectory);
        File.Delete(paths.ExportPid);
        File.Delete(paths.ExportLog);
        var process = await StartClientAsync(cancellationToken);
        await Waiting.UntilAsync(() => HasServed() || !ProcessTable.IsAlive(process), Quick, time, cancellationToken);
        if (!HasServed())
        {
            await DetachedProgram.EndAsync(process, TimeSpan.FromSeconds(1), time, cancellationToken);
            throw new DrException($"Volume {_volume} could not be attached from {nbdAddress}: {LastLine(paths.ExportLog)}.", $"Is the appliance running, and is there a volume {_volume}? 'nbdinfo --list' shows what it serves.", isTransient: true);
        }

        // The pid file is written last, when the file can be opened.
        bool HasServed() => File.Exists(paths.ExportPid) && File.Exists(paths.ExportFile) && ExportMount(Mounts()) is not null;
    }

    private async Task<ProcessMark> StartClientAsync(CancellationToken cancellationToken)
    {
        if (_hold == TimeSpan.Zero)
        {
            return await DetachedProgram.StartAsync(
                "nbdfuse", ["--pidfile", paths.ExportPid, paths.ExportFile, ExportAddress.ToUri(nbdAddress, _volume)], paths.ExportLog, cancellationToken);
        }

        if (!HoldingClient.IsInstalled)
        {
            throw new DrException($"{HoldingClient.Program} is not installed, and system {system.Id} is to hold its requests while the appliance is away.", "Install the package qemu-system-common, or set 'hold: 0s'.");
        }

        File.WriteAllBytes(paths.ExportFile, []); // What the export is mounted on.
        return await DetachedProgram.StartAsync(
            HoldingClient.Program, HoldingClient.Arguments(nbdAddress, _volume, paths.ExportFile, paths.ExportPid, _hold), paths.ExportLog, cancellationToken);
    }

    /// <summary>Looks for the export without attaching it.</summary>
    /// <exception cref="DrException">There is none.</exception>
    public async Task RequireExportAsync(CancellationToken cancellationToken) =>
        (await RunAsync("nbdinfo", ["--size", ExportAddress.ToUri(nbdAddress, _volume)], cancellationToken))
            .Require($"Looking for {_volume} at {nbdAddress}", $"Is the appliance running, and is there a volume or clone {_volume}? 'dr-edge clone list' shows the clones.");

    public async Task AttachLoopAsync(CancellationToken cancellationToken) =>
        (await RunAsync("losetup", ["--find", "--show", "--nooverlap", paths.ExportFile], cancellationToken)).Require($"Making a block device of volume {_volume}", "Are loop devices available (modprobe loop)?");

    /// <summary>What is on the device: the name of a file system, or empty when nothing that is known is there.</summary>
    public async Task<string> FileSystemTypeAsync(CancellationToken cancellationToken)
    {
        const int nothingFound = 2;
        var result = await RunAsync("blkid", ["--probe", "--output", "value", "--match-tag", "TYPE", Device()], cancellationToken);
        return result.ExitCode == nothingFound ? "" : result.Require($"Looking what is on volume {_volume}").Output.Trim();
    }

    /// <summary>Makes the file system. Only called on a volume that holds nothing.</summary>
    public async Task FormatAsync(CancellationToken cancellationToken)
    {
        var (program, arguments) = FileSystemVerdict.FormatCommand(system.FileSystem, Device());
        (await ProgramRunner.RunAsync(program, arguments, CheckTimeout, cancellationToken)).Require($"Formatting volume {_volume}");
    }

    /// <summary>True when the start of the volume reads as zeros: together with no known signature, nothing is there that formatting could destroy.</summary>
    public async Task<bool> IsBlankAsync(CancellationToken cancellationToken)
    {
        const string script = """test -z "$(head -c 4194304 "$1" | tr -d '\000' | head -c 1)" """;
        return (await RunAsync("/bin/sh", ["-c", script, "sh", paths.ExportFile], cancellationToken)).Succeeded;
    }

    /// <summary>Returns what the check said, for the report.</summary>
    public async Task<string> CheckFileSystemAsync(CancellationToken cancellationToken)
    {
        var fitness = await CheckOnceAsync(replayed: false, cancellationToken);
        if (fitness.Of == FileSystemFitness.ReplayFirst)
        {
            await MountAsync(cancellationToken);
            await UnmountAsync(false, cancellationToken);
            fitness = await CheckOnceAsync(replayed: true, cancellationToken);
        }

        return fitness.Of is FileSystemFitness.Sound or FileSystemFitness.Repaired
            ? $"{system.FileSystem} {(fitness.Of == FileSystemFitness.Sound ? "sound" : "sound after its journal was replayed or small repairs")}"
            : throw new DrException(
                $"The file system on volume {_volume} is {(fitness.Of == FileSystemFitness.Damaged ? "damaged" : "not checkable")}: {fitness.Words}.",
                "Nothing was changed. Open an older point of the volume, or repair it by hand on a clone first.");
    }

    public async Task MountAsync(CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(_mount);
        if (Directory.EnumerateFileSystemEntries(_mount).Any())
        {
            throw new DrException($"{_mount} is not empty.", "A mount would hide what is there: move it away, or choose another mount point.");
        }

        (await RunAsync("mount", ["-t", system.FileSystem, "-o", FileSystemVerdict.MountOptions(system.FileSystem, beside), Device(), _mount], cancellationToken))
            .Require($"Mounting volume {_volume} on {_mount}");
    }

    /// <summary>Lets the kernel take the block device away with its last user, so that neither an unmount nor the death of everything here leaves it behind.</summary>
    public async Task ReleaseLoopAsync(CancellationToken cancellationToken) =>
        (await RunAsync("losetup", ["--detach", Device()], cancellationToken)).Require($"Marking the block device of volume {_volume}");

    /// <param name="stale">The store below is gone: take the mount away even if something still holds it. Never used on a working one.</param>
    public async Task UnmountAsync(bool stale, CancellationToken cancellationToken)
    {
        if (!Mounts().Any(m => m.MountPoint == _mount))
        {
            return;
        }

        var result = await RunAsync("umount", [_mount], cancellationToken);
        if (!result.Succeeded && stale)
        {
            result = await RunAsync("umount", ["--lazy", _mount], cancellationToken);
        }

        if (!result.Succeeded)
        {
            var users = string.Join(", ", ProcessTable.UsersOf(_mount).Select(p => $"{p.Name} ({p.Id})"));
            throw new DrException(
                $"{_mount} cannot be unmounted: {result.LastWords}.", users.Length > 0 ? $"These processes use it and are none of the system's components: {users}. End them, then stop again." : null, isTransient: true);
        }
    }

    public async Task DetachLoopAsync(CancellationToken cancellationToken)
    {
        foreach (var loop in Loops())
        {
            var result = await RunAsync("losetup", ["--detach", loop.Device], cancellationToken);
            if (Loops().Contains(loop))
            {
                result.Require($"Detaching {loop.Device}");
            }
        }

        if (!await Waiting.UntilAsync(() => Loops().Count == 0, Quick, time, cancellationToken))
        {
            var left = Loops().Select(l => l.Device).ToList();
            var holders = ProcessTable.All().Where(p => MountTable.Parse(ProcessTable.MountInfo(p.Id)).Any(m => left.Contains(m.Source))).Select(p => $"{p.Name} ({p.Id})").ToList();
            throw new DrException(
                $"{string.Join(", ", left)} is still in use.",
                holders.Count > 0 ? $"It is still mounted in the mount namespace of {string.Join(", ", holders.Take(5))}, which was made while the system ran." : "See 'lsof' for who holds it.", isTransient: true);
        }
    }

    public async Task DetachExportAsync(bool stale, CancellationToken cancellationToken)
    {
        if (ExportMount(Mounts()) is { } export)
        {
            var result = await RunAsync("fusermount3", ["-u", export], cancellationToken);
            if (!result.Succeeded && stale)
            {
                result = await RunAsync("fusermount3", ["-u", "-z", export], cancellationToken);
            }

            result.Require($"Detaching volume {_volume}");
            foreach (var client in Clients().Where(c => c.Name == HoldingClient.ProcessName))
            {
                Signals.Send(client.Id, Signals.Terminate); // nbdfuse ends with its mount, this one does not.
            }
        }

        if (!await Waiting.UntilAsync(() => Clients().Count == 0, TimeSpan.FromSeconds(5), time, cancellationToken))
        {
            foreach (var client in Clients())
            {
                Signals.Send(client.Id, Signals.Kill);
            }

            if (!await Waiting.UntilAsync(() => Clients().Count == 0, TimeSpan.FromSeconds(5), time, cancellationToken))
            {
                throw new DrException($"The client of volume {_volume} does not end, even when killed.", "It waits in the kernel; a restart of the machine ends it for certain.");
            }
        }

        File.Delete(paths.ExportPid);
    }

    /// <summary>Why the file system takes no writes any more; null when it does.</summary>
    public string? MountFault() => Mounts().LastOrDefault(m => m.MountPoint == _mount) switch
    {
        null => $"{_mount} is not mounted",
        { IsReadOnly: true } => $"{_mount} has become read-only after a failed write",
        _ => null,
    };

    /// <summary>Null when nothing of the attachment is left, else what is.</summary>
    public string? Remains()
    {
        var mounts = Mounts();
        return mounts.Any(m => m.MountPoint == _mount) ? $"{_mount} is still mounted"
            : Loops() is [var loop, ..] ? $"{loop.Device} is still attached"
            : ExportMount(mounts) is { } export ? $"{export} is still mounted"
            : Clients() is [var client, ..] ? $"{client.Name} ({client.Id}) still runs"
            : null;
    }

    private async Task<(FileSystemFitness Of, string Words)> CheckOnceAsync(bool replayed, CancellationToken cancellationToken)
    {
        var (program, arguments) = FileSystemVerdict.CheckCommand(system.FileSystem, Device());
        var result = await ProgramRunner.RunAsync(program, arguments, CheckTimeout, cancellationToken);
        return (FileSystemVerdict.Of(system.FileSystem, result.ExitCode, replayed), $"{program} ended with status {result.ExitCode}: {result.LastWords}");
    }

    private string Device() => Loops() is [var only] ? only.Device : throw new DrException($"Volume {_volume} is not attached as one block device.", "Stop the system, then start it again.");

    private List<(string Device, bool FileIsGone)> Loops()
    {
        const string gone = " (deleted)";
        var loops = new List<(string, bool)>();
        foreach (var directory in Directory.EnumerateDirectories("/sys/block", "loop*"))
        {
            var device = "/dev/" + Path.GetFileName(directory);
            if (ReadBackingFile(device) is { } file && (file == paths.ExportFile || file == paths.ExportFile + gone))
            {
                loops.Add((device, file.EndsWith(gone, StringComparison.Ordinal)));
            }
        }

        return loops;
    }

    private static string BackingFile(string device) => $"/sys/block/{Path.GetFileName(device)}/loop/backing_file";

    private static string? ReadBackingFile(string device)
    {
        try
        {
            return File.ReadAllText(BackingFile(device)).TrimEnd('\n');
        }
        catch (IOException)
        {
            return null; // Not attached, or detached at this moment.
        }
    }

    private List<ProcessEntry> Clients() =>
        [.. ProcessTable.All().Where(p =>
            (p.Name == "nbdfuse" && ProcessTable.CommandLine(p.Id).Contains($" {paths.ExportFile} ", StringComparison.Ordinal))
            || (p.Name == HoldingClient.ProcessName && ProcessTable.CommandLine(p.Id).Contains($",mountpoint={HoldingClient.Escape(paths.ExportFile)},", StringComparison.Ordinal)))];

    // nbdfuse mounts a directory with the file in it, qemu-storage-daemon the file itself.
    private string? ExportMount(IReadOnlyList<MountEntry> mounts) => mounts.FirstOrDefault(m => m.MountPoint == paths.ExportDirectory || m.MountPoint == paths.ExportFile)?.MountPoint;

    private static IReadOnlyList<MountEntry> Mounts() => MountTable.Parse(File.ReadAllText("/proc/self/mountinfo"));

    private static string LastLine(string file) => File.Exists(file) && File.ReadLines(file).LastOrDefault(l => l.Trim().Length > 0) is { } line ? line.Trim() : "no reason given";

    private static Task<ProgramResult> RunAsync(string program, string[] arguments, CancellationToken cancellationToken) =>
        ProgramRunner.RunAsync(program, arguments, Quick, cancellationToken);
}
