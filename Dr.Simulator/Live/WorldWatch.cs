using Dr.Contracts.Grains;
using Dr.Simulator.Live.World;

namespace Dr.Simulator.Live;

/// <summary>
/// Looks at the control plane all the time, writes down every change, and does what is left to people: makes a takeover that serves final, orders the way home once the fault is mended, and says yes when a run waits for a person.
/// </summary>
internal sealed class WorldWatch(LiveWorld world, Timeline timeline, TimeProvider time)
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(500);

    /// <summary>So long a run may wait for a person before the person comes.</summary>
    private static readonly TimeSpan PersonComesAfter = TimeSpan.FromSeconds(10);

    /// <summary>A client that had a commit answered so short ago works.</summary>
    private static readonly TimeSpan Lately = TimeSpan.FromSeconds(3);

    private readonly Dictionary<string, string> _said = [];
    private readonly Dictionary<string, DateTimeOffset> _waits = [];
    private IReadOnlyList<SystemView>? _views;
    private bool _isHeard = true;

    /// <summary>False while a fault lasts: nobody orders a way home into a fault.</summary>
    public bool MayGoHome { get; set; } = true;

    /// <summary>How often a person had to help.</summary>
    public int Interventions { get; private set; }

    /// <summary>Every system protected at its home, no run under way, and every client served within the last seconds.</summary>
    public bool IsWhole => _views is { } views && views.Count == world.Systems.Count && views.All(IsWell) && world.Systems.All(s => world.LastCommit(s) > time.GetUtcNow() - Lately);

    /// <summary>What keeps the world from being whole.</summary>
    public string Ails
    {
        get
        {
            if (_views is not { } views)
            {
                return "no silo answers";
            }

            var systems = views.Where(v => !IsWell(v)).Select(v => $"{v.Id} is {v.Phase} at {v.Site}{(v.LiveRun is { } run ? $" with a run ({run.Kind}, {run.State})" : "")}: {v.Reason}; {string.Join(", ", v.Conditions.Where(c => c.Holds != true).Select(c => $"{c.Kind}: {c.Reason}"))}");
            var clients = world.Systems.Where(s => !(world.LastCommit(s) > time.GetUtcNow() - Lately)).Select(s => $"the clients of {s.Id} had their last commit at {world.LastCommit(s):HH:mm:ss}");
            return string.Join("\n", systems.Concat(clients));
        }
    }

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            while (true)
            {
                await LookAsync(cancellationToken);
                await Task.Delay(Pace, time, cancellationToken);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // Over.
        }
    }

    private static bool IsWell(SystemView view) => view.Phase == nameof(Phase.Protected) && view.Site == view.Home && view.LiveRun is null && view.Conditions.All(c => c.Kind is not ("Serving" or "DataProtected" or "PeerReady") || c.Holds == true);

    private async Task LookAsync(CancellationToken cancellationToken)
    {
        var views = await world.Control.SystemsAsync(cancellationToken);
        if (_isHeard != views is not null)
        {
            _isHeard = views is not null;
            timeline.Note(TimelineKind.System, _isHeard ? "the control plane answers again" : "the control plane does not answer");
        }

        if ((_views = views) is null)
        {
            return;
        }

        foreach (var view in views!)
        {
            var now = $"{view.Phase} at {view.Site}, epoch {view.Epoch}";
            if (!_said.TryGetValue(view.Id.Value, out var before) || before != now)
            {
                _said[view.Id.Value] = now;
                timeline.Note(TimelineKind.System, $"{view.Id}: {now}{(view.Phase == nameof(Phase.Protected) || view.Reason is null ? "" : $" ({view.Reason})")}");
            }

            await HelpAsync(view, cancellationToken);
        }
    }

    private async Task HelpAsync(SystemView view, CancellationToken cancellationToken)
    {
        if (view.Phase == nameof(Phase.FailbackReady) && view.Site != view.Home && view.LiveRun is null && MayGoHome)
        {
            if (await world.Control.OrderAsync(view, "failback", "the fault is mended", cancellationToken) is null)
            {
                timeline.Note(TimelineKind.Person, $"{view.Id}: way home ordered");
            }
        }
        else if (view.LiveRun is { State: RunState.OnTrial } trial)
        {
            if (await world.Control.DecideAsync(trial.Id.Value, "commit", "the other site serves", cancellationToken) is null)
            {
                timeline.Note(TimelineKind.Person, $"{view.Id}: takeover made final");
            }
        }
        else if (view.LiveRun is { State: RunState.WaitingForApproval or RunState.NeedsOperator } waiting)
        {
            var key = $"{waiting.Id}-{waiting.State}";
            if (_waits.TryAdd(key, time.GetUtcNow()))
            {
                timeline.Note(TimelineKind.System, $"{view.Id}: waits for a person ({waiting.State}): {view.Reason}");
            }
            else if (time.GetUtcNow() - _waits[key] > PersonComesAfter && await world.Control.DecideAsync(waiting.Id.Value, "approve", "go on", cancellationToken) is null)
            {
                _waits.Remove(key);
                Interventions++;
                timeline.Note(TimelineKind.Person, $"{view.Id}: a person said yes");
            }
        }
    }
}
