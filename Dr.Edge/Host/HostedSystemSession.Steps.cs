using Dr.Edge.Host.Attach;
using Dr.Edge.Host.Checks;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;
using Dr.Edge.Host.Processes;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Host;

/// <summary>How the steps of a plan are carried out.</summary>
internal sealed partial class HostedSystemSession
{
    private static readonly TimeSpan CheckRetry = TimeSpan.FromMilliseconds(100);

    private async Task<HostReport> RunStartAsync(Epoch epoch, IReadOnlyList<HostStep> plan, StepLog log, CancellationToken cancellationToken)
    {
        var wasSo = plan.All(s => s.Kind == HostStepKind.CheckComponent);
        if (!wasSo)
        {
            _monitored = false;
            LogStarting(_system.Id, epoch, string.Join(", ", plan));
        }

        try
        {
            foreach (var step in plan)
            {
                if (!IsTeardown(step.Kind))
                {
                    Begin(epoch); // Only now: until the old attachment is gone it still belongs to the old ownership.
                }

                await log.RunAsync(Words(step), () => ActAsync(step, epoch, cancellationToken));
            }
        }
        finally
        {
            // Also after a failed step: what does run is watched, and what does not is seen.
            _monitored = _store.State.ShouldRun;
        }

        _board.Passed(SystemHealthBoard.Volume);
        LogRunning(_system.Id, epoch, log.Seconds);
        return Report(log, wasSo);
    }

    /// <summary>Takes the system down and lets its next start attach another export. Nothing is taken down for an export that is not there.</summary>
    private async Task MoveToAsync(string? clone, Epoch epoch, Action<string> progress, CancellationToken cancellationToken)
    {
        if (_attachment is null)
        {
            throw new DrException($"System {_system.Id} has no volume, so it cannot work on a clone of one.", "Give it 'volume' and 'mount' in the configuration.");
        }

        var next = NewAttachment(clone ?? _system.Volume)!;
        await next.RequireExportAsync(cancellationToken);
        await RunStopAsync(await ObserveAsync(cancellationToken), null, progress, cancellationToken);
        _store.Change(s => s with { OnClone = clone, CloneChosenAt = clone is null ? default : epoch });
        _attachment = next;
        LogMoved(_system.Id, CurrentVolume!);
    }

    private AttachmentSession? NewAttachment(string? volume) =>
        _system.Mount is null || volume is null ? null : new AttachmentSession(_system, volume, new HostPaths(_dataDirectory, _system.Id, volume), _nbdAddress, _time);

    private async Task<HostReport> RunStopAsync(SystemObservation seen, string? failure, Action<string> progress, CancellationToken cancellationToken)
    {
        var log = new StepLog(progress, _time);
        _monitored = false;
        var plan = SystemPlan.Stop(_system, seen);
        try
        {
            foreach (var step in plan)
            {
                await log.RunAsync(Words(step), () => ActAsync(step, default, cancellationToken));
            }

            _store.Change(s => s with { ShouldRun = false, StartedAt = default });
        }
        catch
        {
            // What still runs is watched, and what does not is seen: it may be half down, and nobody may come back to it.
            _monitored = _store.State.ShouldRun;
            throw;
        }

        _board.AllStopped(failure);
        if (plan.Count > 1)
        {
            LogStopped(_system.Id, log.Seconds);
        }

        return Report(log, wasSo: plan.Count == 1);
    }

    /// <summary>Does one step and says in a few words what came of it.</summary>
    private async Task<string?> ActAsync(HostStep step, Epoch epoch, CancellationToken cancellationToken)
    {
        switch (step.Kind)
        {
            case HostStepKind.AttachExport:
                await _attachment!.AttachExportAsync(cancellationToken);
                return null;
            case HostStepKind.AttachLoop:
                await _attachment!.AttachLoopAsync(cancellationToken);
                return null;
            case HostStepKind.CheckFileSystem:
                return await _attachment!.CheckFileSystemAsync(cancellationToken);
            case HostStepKind.Mount:
                await _attachment!.MountAsync(cancellationToken);
                await _attachment.ReleaseLoopAsync(cancellationToken);
                return _system.Mount;
            case HostStepKind.StartComponent:
                _board.Move(step.Subject, HealthState.Starting, null);
                await WithHealthAsync(step.Subject, () => Driver(step).StartAsync(cancellationToken));
                return null;
            case HostStepKind.CheckComponent:
                await WithHealthAsync(step.Subject, () => AwaitCheckAsync(Driver(step), cancellationToken));
                return null;
            case HostStepKind.StopComponent:
                await Driver(step).StopAsync(cancellationToken);
                _board.Move(step.Subject, HealthState.Stopped, null);
                return null;
            case HostStepKind.KillComponent:
                await Driver(step).KillAsync(cancellationToken);
                _board.Move(step.Subject, HealthState.Stopped, null);
                return null;
            case HostStepKind.Unmount:
                await _attachment!.UnmountAsync(step.Stale, cancellationToken);
                return null;
            case HostStepKind.DetachLoop:
                await _attachment!.DetachLoopAsync(cancellationToken);
                return null;
            case HostStepKind.DetachExport:
                await _attachment!.DetachExportAsync(step.Stale, cancellationToken);
                return null;
            case HostStepKind.ProveStopped:
                return ProveStopped();
            default:
                throw new InvariantException($"unknown step {step}");
        }
    }

    private string ProveStopped()
    {
        foreach (var driver in _drivers)
        {
            if (driver.Processes() is [var process, ..])
            {
                throw new DrException($"{driver.Options.Name} still runs in process {process.Id}.", "Stop the system again; if it stays, end the process by hand.", isTransient: true);
            }
        }

        return _attachment?.Remains() is { } remains ? throw new DrException($"System {_system.Id} is not stopped: {remains}.", "Stop the system again.", isTransient: true)
            : "no process, no mount, no device left";
    }

    /// <summary>Repeats the check until it passes: starting takes time. A process that is gone will not come back by waiting.</summary>
    private async Task AwaitCheckAsync(IComponentDriver driver, CancellationToken cancellationToken)
    {
        var start = _time.GetTimestamp();
        while (true)
        {
            var outcome = await ComponentCheck.RunAsync(driver, cancellationToken);
            if (outcome.Verdict == CheckVerdict.Passed)
            {
                _board.Passed(driver.Options.Name);
                return;
            }

            if (outcome.Verdict == CheckVerdict.Gone || _time.GetElapsedTime(start) > driver.Options.StartTimeout)
            {
                throw new DrException($"{driver.Options.Name} was started but does not work: {outcome.Detail}.", $"See its log, and try its check by hand.");
            }

            await Task.Delay(CheckRetry, _time, cancellationToken);
        }
    }

    private async Task WithHealthAsync(string component, Func<Task> act)
    {
        try
        {
            await act();
        }
        catch (DrException exception)
        {
            _board.Move(component, HealthState.Failed, exception.Message);
            throw;
        }
    }

    private async Task<string?> FormatAsync(string found, CancellationToken cancellationToken)
    {
        if (found.Length > 0 || !await _attachment!.IsBlankAsync(cancellationToken))
        {
            throw new DrException(
                $"Volume {CurrentVolume} is not empty: {(found.Length > 0 ? $"it holds {found}" : "it holds data of no known kind")}.",
                "Nothing was changed. Correct the system's fileSystem, or use another volume; nothing here ever formats over data.");
        }

        await _attachment.FormatAsync(cancellationToken);
        return null;
    }

    private async Task RunNetworkAsync(bool present, Epoch epoch, StepLog log, CancellationToken cancellationToken)
    {
        foreach (var action in present ? _network : [])
        {
            try
            {
                await action.RefuseAsync(epoch, cancellationToken);
            }
            catch (DrException exception) when (exception is not FencedException)
            {
                // It cannot be asked. Clients are brought here all the same as far as it goes: a takeover must not wait for a name server.
                log.Note($"{action.Name}: {exception.Message}");
            }
        }

        foreach (var action in _network)
        {
            await log.RunAsync($"{(present ? "apply" : "remove")} {action.Name}", async () =>
            {
                await (present ? action.ApplyAsync(epoch, cancellationToken) : action.RemoveAsync(epoch, cancellationToken));
                return await action.ReadAsync(cancellationToken) == present
                    ? "read back"
                    : throw new DrException($"{action.Name} was {(present ? "applied" : "removed")}, but reads back as {(present ? "absent" : "present")}.", "Something else on this machine or in the network works against it.");
            });
        }

        if (_network.Count > 0)
        {
            SeeNetwork(present ? _network.Count : 0);
        }
    }

    private async Task<SystemObservation> ObserveAsync(CancellationToken cancellationToken)
    {
        var (export, loop, mount) = _attachment is null ? default : await _attachment.ObserveAsync(cancellationToken);
        var components = new Dictionary<string, ComponentPresence>();
        foreach (var driver in _drivers)
        {
            components[driver.Options.Name] = await driver.ObserveAsync(cancellationToken);
        }

        return new SystemObservation { Export = export, Loop = loop, Mount = mount, Components = components, StartedAt = _store.State.StartedAt };
    }

    /// <exception cref="FencedException">A higher epoch was seen.</exception>
    private void See(Epoch epoch)
    {
        if (epoch < _store.State.Highest)
        {
            throw new FencedException($"System {_system.Id} was ordered at epoch {epoch}, but epoch {_store.State.Highest} was seen here.", "A newer owner has been decided on. Look at the system's ownership first.");
        }

        _store.Change(s => s with { Highest = epoch });
    }

    private void Begin(Epoch epoch)
    {
        if (_store.State is { ShouldRun: true } state && state.StartedAt == epoch)
        {
            return;
        }

        Interlocked.Exchange(ref _servingSince, _time.GetTimestamp());
        _store.Change(s => s with { ShouldRun = true, StartedAt = epoch });
    }

    private async Task<HostReport> InTurnAsync(Func<Task<HostReport>> operation, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await operation();
        }
        finally
        {
            _turn.Release();
        }
    }

    private HostReport Report(StepLog log, bool wasSo) => new() { Health = Health, Epoch = _store.State.Highest, Steps = log.Steps, WasSo = wasSo };

    private IComponentDriver Driver(HostStep step) => _drivers.First(d => d.Options.Name == step.Subject);

    private static bool IsTeardown(HostStepKind kind) => kind is HostStepKind.StopComponent or HostStepKind.Unmount or HostStepKind.DetachLoop or HostStepKind.DetachExport or HostStepKind.ProveStopped or HostStepKind.KillComponent;

    private static string Words(HostStep step) => step.Kind switch
    {
        HostStepKind.AttachExport => "attach volume",
        HostStepKind.AttachLoop => "make block device",
        HostStepKind.CheckFileSystem => "check file system",
        HostStepKind.Mount => "mount",
        HostStepKind.StartComponent => $"start {step.Subject}",
        HostStepKind.CheckComponent => $"check {step.Subject}",
        HostStepKind.StopComponent => $"stop {step.Subject}",
        HostStepKind.KillComponent => $"kill {step.Subject}",
        HostStepKind.Unmount => "unmount",
        HostStepKind.DetachLoop => "detach block device",
        HostStepKind.DetachExport => "detach volume",
        HostStepKind.ProveStopped => "prove stopped",
        _ => step.ToString(),
    };

    [LoggerMessage(1401, LogLevel.Information, "System {System}: starting at epoch {Epoch}: {Steps}")]
    private partial void LogStarting(string system, Epoch epoch, string steps);

    [LoggerMessage(1402, LogLevel.Information, "System {System}: runs at epoch {Epoch} after {Seconds} s")]
    private partial void LogRunning(string system, Epoch epoch, double seconds);

    [LoggerMessage(1403, LogLevel.Information, "System {System}: stopped after {Seconds} s")]
    private partial void LogStopped(string system, double seconds);

    [LoggerMessage(1404, LogLevel.Error, "System {System}: may not serve any more and is being taken down: {Reason}")]
    private partial void LogFencing(string system, string reason);

    [LoggerMessage(1409, LogLevel.Warning, "System {System}: works on {Volume} from its next start on")]
    private partial void LogMoved(string system, string volume);

    [LoggerMessage(1405, LogLevel.Warning, "System {System}: cleaned up what an earlier run left: {Steps}")]
    private partial void LogCleanedUp(string system, string steps);

    [LoggerMessage(1406, LogLevel.Information, "System {System}: runs at epoch {Epoch} already and is watched again")]
    private partial void LogAdopted(string system, Epoch epoch);

    [LoggerMessage(1408, LogLevel.Warning, "System {System}: where its network actions lead could not be read: {Reason}")]
    private partial void LogNetworkUnread(string system, string reason);

    [LoggerMessage(1407, LogLevel.Warning, "System {System}: {Component} is {State}: {Detail}")]
    private partial void LogHealth(string system, string component, HealthState state, string detail);
}
