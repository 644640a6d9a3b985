using Dr.Edge.Link;
using Microsoft.Extensions.Hosting;

namespace Dr.Edge.Kiosk;

/// <summary>
/// Tries the targets in turn, one or two each period, and puts what it found last into the beats; all of them at once when the control plane asks. Evidence, never a
/// vote.
/// </summary>
internal sealed class WitnessService(WitnessTargets targets, ReachProbe probe, LinkState state, TimeProvider time) : BackgroundService, IBeatContributor, ICommandExecutor
{
    private const int TargetsPerBeat = 2;

    private IReadOnlyList<ReachReport> _latest = [];

    public void Contribute(BeatDraft draft) => draft.Reach.AddRange(Volatile.Read(ref _latest));

    public bool Handles(DeviceCommand command) => command is ProbeTargets;

    public async Task<CommandResult> ExecuteAsync(DeviceCommand command, Action<string> progress, CancellationToken cancellationToken)
    {
        var known = targets.Current();
        var asked = ((ProbeTargets)command).Targets;
        var reports = await Task.WhenAll(asked.Distinct(StringComparer.Ordinal).Select(t => probe.TryAsync(t, known.GetValueOrDefault(t), cancellationToken)));
        return new CommandResult
        {
            Id = command.Id,
            Outcome = CommandOutcome.Done,
            Detail = $"{reports.Count(r => r.Reachable)} of {reports.Length} reachable",
            Evidence = reports.ToDictionary(r => r.Target, ReachEvidence.Of),
        };
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var next = 0;
        while (!stoppingToken.IsCancellationRequested)
        {
            var known = targets.Current().OrderBy(t => t.Key, StringComparer.Ordinal).ToList();
            var chosen = Enumerable.Range(next, Math.Min(TargetsPerBeat, known.Count)).Select(i => known[i % known.Count]).ToList();
            next = known.Count == 0 ? 0 : (next + chosen.Count) % known.Count;
            Volatile.Write(ref _latest, await Task.WhenAll(chosen.Select(t => probe.TryAsync(t.Key, t.Value, stoppingToken))));
            var config = state.Config;
            var period = BeatSchedule.Target(config, new BusyCalendar(config).At(time.GetUtcNow()), new LoadReport());
            await Task.Delay(period, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
