using Dr.Edge.Host.Attach;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;
using Dr.Edge.Volumes;

namespace Dr.Edge.Host.Recovery;

/// <summary>
/// A clone of a system's volume, attached and mounted beside the original, with the system's database started on it: on a Unix socket in the clone only, so that no client takes it for the original. Closing leaves nothing
/// attached; the clone itself stays.
/// </summary>
internal sealed class CloneStand
{
    private readonly AttachmentSession _attachment;
    private readonly string _mount;
    private readonly TimeProvider _time;

    /// <param name="folder">For the agent's own files about it.</param>
    /// <param name="mount">Where it is mounted; the database's user must be able to go there.</param>
    /// <param name="isForChecks">The database writes as carefully as the original; otherwise the clone is thrown away and it need not.</param>
    public CloneStand(SystemConfig system, ComponentOptions component, string clone, string folder, string mount, string nbdAddress, bool isForChecks, TimeProvider time)
    {
        (_mount, _time) = (mount, time);
        var copy = new SystemConfig { Id = system.Id, Volume = clone, Mount = mount, FileSystem = system.FileSystem, Hold = system.Hold };
        _attachment = new AttachmentSession(copy, clone, new HostPaths(folder, "clone", clone), nbdAddress, time, beside: true);
        var options = CloneSettings.Of(component, system.Mount!, mount, isForChecks);
        Driver = ComponentDrivers.Create(options, new HostPaths(folder, "clone", clone), NoMarks.Instance, time);
    }

    /// <summary>The database on the clone.</summary>
    public IComponentDriver Driver { get; }

    /// <exception cref="DrException">The file system cannot be mounted twice.</exception>
    public static void RequireMountable(SystemConfig system)
    {
        // Two file systems with one id at the same time: btrfs takes them for two devices of one, and mixes them up.
        if (system.FileSystem == "btrfs")
        {
            throw new DrException(
                "A btrfs file system cannot be mounted beside its own clone.", "Attach the clone on another machine, or stop the system and start it on the clone with 'dr-edge system start ID --on CLONE'.");
        }
    }

    public async Task OpenAsync(StepLog log, CancellationToken cancellationToken)
    {
        await log.RunAsync("attach clone", async () =>
        {
            // Others must be able to pass through, the database's user for one.
            await ProgramRunner.RunAsync("mkdir", ["--parents", "--mode=0755", _mount], TimeSpan.FromSeconds(10), cancellationToken);
            await _attachment.AttachExportAsync(cancellationToken);
            await _attachment.AttachLoopAsync(cancellationToken);
            return null;
        });
        await log.RunAsync("check file system", async () => await _attachment.CheckFileSystemAsync(cancellationToken));
        await log.RunAsync("mount", async () =>
        {
            await _attachment.MountAsync(cancellationToken);
            await _attachment.ReleaseLoopAsync(cancellationToken);
            return _mount;
        });
        await log.RunAsync($"start {Driver.Options.Kind} on the clone", async () =>
        {
            await Driver.StartAsync(cancellationToken);
            return "it went through its own recovery";
        });
    }

    /// <summary>An orderly stop of the database, for what is looked at afterwards.</summary>
    public Task StopDatabaseAsync(CancellationToken cancellationToken) => Driver.StopAsync(cancellationToken);

    /// <summary>Takes down whatever of it is there; may be repeated, also by an agent that did not open it.</summary>
    /// <exception cref="DrException">Something does not go away.</exception>
    public async Task CloseAsync()
    {
        await UnmountAsync();
        await _attachment.DetachLoopAsync(CancellationToken.None);
        await _attachment.DetachExportAsync(stale: true, CancellationToken.None);
        if (Directory.Exists(_mount))
        {
            Directory.Delete(_mount);
        }
    }

    /// <summary>Deletes the clone of a closed stand. Its client has ended by then, but the server may not have seen that yet.</summary>
    /// <exception cref="DrException">Somebody else has it attached.</exception>
    public static async Task DeleteCloneAsync(VolumeSet volumes, string name, TimeProvider time)
    {
        if (volumes.Find(name) is { Origin: not null } clone)
        {
            await Waiting.UntilAsync(() => volumes.LiveClients(clone) == 0, TimeSpan.FromSeconds(10), time, CancellationToken.None);
            volumes.Delete(name);
        }
    }

    /// <summary>A start that was cut off may leave a server that has not come far enough to be known by its directory; nobody else has anything to do on this mount.</summary>
    private async Task UnmountAsync()
    {
        const int rounds = 50;
        for (var round = 1; ; round++)
        {
            await Driver.KillAsync(CancellationToken.None);
            foreach (var user in ProcessTable.UsersOf(_mount))
            {
                Signals.Send(user.Id, Signals.Kill);
            }

            try
            {
                await _attachment.UnmountAsync(stale: round == rounds, CancellationToken.None);
                return;
            }
            catch (DrException) when (round < rounds)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), _time, CancellationToken.None);
            }
        }
    }

    private sealed class NoMarks : IComponentMarks
    {
        public static NoMarks Instance { get; } = new();

        public ProcessMark? MarkOf(string component) => null;

        public void SetMark(string component, ProcessMark? mark) => throw new InvariantException("only databases run on a clone");
    }
}
