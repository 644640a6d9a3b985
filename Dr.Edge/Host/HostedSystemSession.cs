using Dr.Edge.Host.Attach;
using Dr.Edge.Host.Checks;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Network;
using Dr.Edge.Host.Plan;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Host;

/// <summary>
/// One business system on this machine. Invariants: one operation at a time; every operation first observes and then does what is missing, so each may be repeated
/// and may follow one that was cut off anywhere; a lower epoch than one that was seen does nothing; "stopped" is said only after looking.
/// </summary>
internal sealed partial class HostedSystemSession : IDisposable
{
    private readonly SystemConfig _system;
    private readonly HostStateStore _store;
    private readonly string _dataDirectory;
    private readonly string _nbdAddress;
    private AttachmentSession? _attachment; // Another one under the turn, when the system moves to a clone or back.
    private readonly IReadOnlyList<IComponentDriver> _drivers;
    private readonly IReadOnlyList<INetworkAction> _network;
    private readonly SystemHealthBoard _board;
    private readonly Action _changed;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly SemaphoreSlim _turn = new(1, 1);

    // Written under the turn, read by the monitor: whether checks mean anything now.
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, double> _responseMs = new(StringComparer.Ordinal);
    private volatile bool _monitored;
    private volatile NetworkPlace _networkSeen;
    private long _servingSince;

    public HostedSystemSession(SystemConfig system, string dataDirectory, string nbdAddress, Action changed, TimeProvider time, ILogger logger)
    {
        _system = system;
        _time = time;
        _logger = logger;
        _changed = changed;
        _dataDirectory = dataDirectory;
        _nbdAddress = system.Nbd ?? nbdAddress;
        var paths = new HostPaths(dataDirectory, system.Id, system.Volume ?? "none");
        _store = new HostStateStore(paths.State);
        _attachment = NewAttachment(CurrentVolume);
        _drivers = [.. ComponentOrder.Of(system.Components).Order.Select(c => ComponentDrivers.Create(c, paths, _store, time))];
        _network = [.. system.Network.Select(n => NetworkActions.Create(n, time))];
        _board = new SystemHealthBoard(system, changed, time);
    }

    public SystemConfig System => _system;

    public HostState State => _store.State;

    /// <summary>What it works on: its volume, or a clone that was chosen in its place.</summary>
    public string? CurrentVolume => _store.State.OnClone ?? _system.Volume;

    /// <summary>The file that its volume is attached as.</summary>
    public string CurrentExport => new HostPaths(_dataDirectory, _system.Id, CurrentVolume ?? "none").ExportFile;

    /// <summary>Where its exports are attached from.</summary>
    public string NbdAddress => _nbdAddress;

    public bool IsMonitored => _monitored;

    /// <summary>
    /// Why it may not serve here any more; null while it may, or does not. An instance that has no data of its own and whose network leads elsewhere serves nobody: whose epoch is the highest is no matter to it.
    /// </summary>
    /// <param name="highest">The highest epoch seen from any side.</param>
    public string? Objection(ServingWatch watch, Epoch highest) =>
        _store.State.ShouldRun && !(_attachment is null && _networkSeen == NetworkPlace.Away) ? watch.Objection(_system, _store.State.StartedAt, highest, ServingSince) : null;

    /// <summary>Timestamp of the last start, or of the adoption by this agent.</summary>
    public long ServingSince => Interlocked.Read(ref _servingSince);

    public IReadOnlyList<IComponentDriver> Drivers => _drivers;

    public SystemHealth Health => _board.Snapshot(_store.State.Highest) with { Network = _networkSeen };

    /// <summary>Brings the system to run at <paramref name="epoch"/>.</summary>
    /// <exception cref="DrException">A step failed; what was done so far stays, and a repeated start goes on from there.</exception>
    public Task<HostReport> StartAsync(Epoch epoch, Action<string> progress, CancellationToken cancellationToken) => StartAsync(epoch, null, progress, cancellationToken);

    /// <summary>The same on a clone of its volume, or on its volume again.</summary>
    /// <param name="on">The clone's name, or the volume's own; null = where it was, as long as that was chosen under the same ownership, else the volume.</param>
    public Task<HostReport> StartAsync(Epoch epoch, string? on, Action<string> progress, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            See(epoch);
            var state = _store.State;
            var clone = on is not null ? (on == _system.Volume ? null : on) : state.CloneChosenAt == epoch ? state.OnClone : null;
            if (clone != state.OnClone)
            {
                await MoveToAsync(clone, epoch, progress, cancellationToken);
            }

            var seen = await ObserveAsync(cancellationToken);
            return await RunStartAsync(epoch, SystemPlan.Start(_system, seen, epoch), new StepLog(progress, _time), cancellationToken);
        },
        cancellationToken);

    /// <summary>Leaves nothing of the system running or attached on this machine, and proves it.</summary>
    public Task<HostReport> StopAsync(Epoch epoch, Action<string> progress, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            See(epoch);
            return await RunStopAsync(await ObserveAsync(cancellationToken), null, progress, cancellationToken);
        },
        cancellationToken);

    /// <summary>Takes the system down because it may not serve any more. Its volume refuses writes already, so there is nothing an orderly stop could save.</summary>
    /// <param name="objection">Asked again when it is this operation's turn: an ordered stop or start may have settled it by then.</param>
    public Task<HostReport> FenceAsync(Func<string?> objection, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            if (objection() is not { } reason)
            {
                return Report(new StepLog(_ => { }, _time), wasSo: true);
            }

            LogFencing(_system.Id, reason);
            var seen = await ObserveAsync(cancellationToken);
            var cut = seen.Export == LayerState.Present ? seen with { Export = LayerState.Stale } : seen;
            return await RunStopAsync(cut, $"stopped by itself: {reason}", _ => { }, cancellationToken);
        },
        cancellationToken);

    /// <summary>
    /// The agent ends in order, and with it the server of the volume: an orderly stop that does not forget that the system should run, so that the next agent reports it as
    /// down until it is started again.
    /// </summary>
    public Task<HostReport> SuspendAsync(CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            var before = _store.State;
            var report = await RunStopAsync(await ObserveAsync(cancellationToken), "the agent was stopped", _ => { }, cancellationToken);
            _store.Change(s => s with { ShouldRun = before.ShouldRun, StartedAt = before.StartedAt });
            return report;
        },
        cancellationToken);

    /// <summary>Makes what the first start needs (file system, database) where the volume is empty, starts the system and brings its network actions here.</summary>
    public Task<HostReport> PrepareAsync(Epoch epoch, Action<string> progress, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            See(epoch);
            var log = new StepLog(progress, _time);
            var seen = await ObserveAsync(cancellationToken);
            foreach (var step in SystemPlan.Start(_system, seen, epoch).TakeWhile(s => s.Kind is not (HostStepKind.StartComponent or HostStepKind.CheckComponent)))
            {
                if (step.Kind == HostStepKind.CheckFileSystem && await _attachment!.FileSystemTypeAsync(cancellationToken) is var found && found != _system.FileSystem)
                {
                    await log.RunAsync($"format {_system.FileSystem}", () => FormatAsync(found, cancellationToken));
                }

                await log.RunAsync(Words(step), () => ActAsync(step, epoch, cancellationToken));
            }

            foreach (var driver in _drivers)
            {
                await log.RunAsync($"prepare {driver.Options.Name}", async () => await driver.PrepareAsync(cancellationToken) ?? "was there");
            }

            Begin(epoch);
            var report = await RunStartAsync(epoch, SystemPlan.Start(_system, await ObserveAsync(cancellationToken), epoch), log, cancellationToken);
            await RunNetworkAsync(true, epoch, log, cancellationToken);
            return report with { Steps = log.Steps };
        },
        cancellationToken);

    /// <summary>Runs every check once.</summary>
    public Task<HostReport> CheckAsync(Action<string> progress, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            var log = new StepLog(progress, _time);
            if (_store.State.ShouldRun)
            {
                await ProbeVolumeAsync(cancellationToken);
                foreach (var driver in _drivers)
                {
                    await log.RunAsync($"check {driver.Options.Name}", async () =>
                    {
                        var outcome = await ComponentCheck.RunAsync(driver, cancellationToken);
                        _board.Apply(driver.Options.Name, outcome, ComponentCheck.OptionsOf(driver).FailAfter);
                        return outcome.Detail is null ? $"{outcome.Verdict}" : $"{outcome.Verdict}: {outcome.Detail}";
                    });
                }
            }

            return Report(log, wasSo: true);
        },
        cancellationToken);

    /// <summary>
    /// Brings the network actions to this machine or takes them away; each is read back. An instance without data of its own that runs here already serves under <paramref name="epoch"/> from then on: users are pointed
    /// at it, nobody starts it anew, and the epoch under which it stood by is no reason to take it down.
    /// </summary>
    public Task<HostReport> ApplyNetworkAsync(bool present, Epoch epoch, Action<string> progress, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            See(epoch);
            if (present && _attachment is null && _store.State.ShouldRun)
            {
                Begin(epoch);
            }

            var log = new StepLog(progress, _time);
            await RunNetworkAsync(present, epoch, log, cancellationToken);
            return Report(log, wasSo: false);
        },
        cancellationToken);

    /// <summary>Switches the other site's machines off by the fence device, and returns only when it was read back that they are.</summary>
    /// <exception cref="DrException">There is no fence device, or it does not confirm.</exception>
    public Task<HostReport> FenceOtherSiteAsync(Epoch epoch, Action<string> progress, CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            See(epoch);
            var fence = _system.Fence ?? throw new DrException($"System {_system.Id} has no fence device on this machine.", "Give 'fence' in its configuration, or take 'fence: true' away at the control plane.");
            var action = new CommandAction(new NetworkActionOptions { Kind = NetworkActionOptions.CommandKind, Apply = fence.Off, Remove = fence.Off, Read = fence.Read, Timeout = fence.Timeout });
            var log = new StepLog(progress, _time);
            await log.RunAsync("switch the other site off", async () =>
            {
                await action.ApplyAsync(epoch, cancellationToken);
                return await action.ReadAsync(cancellationToken)
                    ? "read back"
                    : throw new DrException("The fence device was told to switch the other site off, and reads back that it is on.", "Look at the device; the old owner is not proven to be off.");
            });
            return Report(log, wasSo: false);
        },
        cancellationToken);

    /// <summary>After a start of the agent: adopts what runs, and cleans up what an earlier agent's death left behind.</summary>
    public Task<HostReport> RecoverAsync(CancellationToken cancellationToken) => InTurnAsync(
        async () =>
        {
            var seen = await ObserveAsync(cancellationToken);
            var log = new StepLog(_ => { }, _time);
            if (seen.IsGone && !_store.State.ShouldRun)
            {
                return Report(log, wasSo: true);
            }

            if (seen.IsStale || seen.IsGone || !_store.State.ShouldRun)
            {
                var report = await RunStopAsync(seen, _store.State.ShouldRun ? "it lost its volume or was ended while the agent was away; what was left is cleaned up" : null, _ => { }, cancellationToken);
                LogCleanedUp(_system.Id, string.Join(", ", report.Steps.Select(s => s.Step)));
                return report;
            }

            LogAdopted(_system.Id, _store.State.StartedAt);
            Interlocked.Exchange(ref _servingSince, _time.GetTimestamp());
            _monitored = true;
            await ProbeVolumeAsync(cancellationToken);
            foreach (var driver in _drivers)
            {
                _board.Apply(driver.Options.Name, await ComponentCheck.RunAsync(driver, cancellationToken), ComponentCheck.OptionsOf(driver).FailAfter);
            }

            return Report(log, wasSo: true);
        },
        cancellationToken);

    /// <summary>How long the slowest of its components took to answer its last check; 0 while it is not watched.</summary>
    public double ResponseMs => _monitored && !_responseMs.IsEmpty ? _responseMs.Values.Max() : 0;

    /// <summary>One round of one component's check, by the monitor.</summary>
    public async Task MonitorAsync(IComponentDriver driver, CancellationToken cancellationToken)
    {
        var asked = _time.GetTimestamp();
        var outcome = await ComponentCheck.RunAsync(driver, cancellationToken);
        _responseMs[driver.Options.Name] = _time.GetElapsedTime(asked).TotalMilliseconds;
        if (_monitored && _board.Apply(driver.Options.Name, outcome, ComponentCheck.OptionsOf(driver).FailAfter) is { } change)
        {
            LogHealth(_system.Id, driver.Options.Name, change, outcome.Detail ?? "its check passes");
        }
    }

    /// <summary>One round of the check that the volume below still answers and takes writes.</summary>
    public async Task ProbeVolumeAsync(CancellationToken cancellationToken)
    {
        if (_attachment is null)
        {
            return;
        }

        var fault = await _attachment.ProbeAsync(cancellationToken) ?? _attachment.MountFault();
        if (_monitored)
        {
            _board.Apply(SystemHealthBoard.Volume, fault is null ? CheckOutcome.Passed() : CheckOutcome.Gone(fault), failAfter: 1);
        }
    }

    /// <summary>One look at where the network actions lead, also while the system does not run here: what still leads to the wrong place is found by its own site.</summary>
    public async Task ReadNetworkAsync(CancellationToken cancellationToken)
    {
        if (_network.Count == 0)
        {
            return;
        }

        await _turn.WaitAsync(cancellationToken);
        try
        {
            var here = 0;
            foreach (var action in _network)
            {
                here += await action.ReadAsync(cancellationToken) ? 1 : 0;
            }

            SeeNetwork(here);
        }
        catch (Exception exception) when (exception.MayPass() && !cancellationToken.IsCancellationRequested)
        {
            _networkSeen = NetworkPlace.Unknown;
            LogNetworkUnread(_system.Id, exception.Message);
        }
        finally
        {
            _turn.Release();
        }
    }

    private void SeeNetwork(int here)
    {
        var before = _networkSeen;
        _networkSeen = here == _network.Count ? NetworkPlace.Here : here == 0 ? NetworkPlace.Away : NetworkPlace.Partly;
        if (before != _networkSeen)
        {
            _changed();
        }
    }

    public void Dispose() => _turn.Dispose();
}
