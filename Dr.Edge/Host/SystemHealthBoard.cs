using Dr.Edge.Host.Plan;

namespace Dr.Edge.Host;

/// <summary>The health of one system's components, from operations and from the monitor; tells when a state changes.</summary>
internal sealed class SystemHealthBoard
{
    /// <summary>The volume under the system is watched like a component.</summary>
    public const string Volume = "volume";

    private readonly SystemConfig _system;
    private readonly Action _changed;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new(); // Guards both fields below.
    private readonly Dictionary<string, HealthTracker> _components = [];
    private string? _failure;

    public SystemHealthBoard(SystemConfig system, Action changed, TimeProvider time)
    {
        (_system, _changed, _time) = (system, changed, time);
        foreach (var name in Names())
        {
            _components[name] = HealthTracker.Stopped(time.GetUtcNow());
        }
    }

    /// <summary>The new state when it changed.</summary>
    public HealthState? Apply(string component, CheckOutcome outcome, int failAfter) => Update(component, t => t.Apply(outcome, failAfter, _time.GetUtcNow()));

    public void Passed(string component) => Apply(component, CheckOutcome.Passed(), 1);

    public void Move(string component, HealthState state, string? detail) => Update(component, t => t.Move(state, detail, _time.GetUtcNow()));

    /// <param name="failure">Null after an ordered stop; else why the system went down without one.</param>
    public void AllStopped(string? failure)
    {
        lock (_gate)
        {
            _failure = failure;
            foreach (var name in Names())
            {
                _components[name] = _components[name].Move(failure is null ? HealthState.Stopped : HealthState.Failed, failure, _time.GetUtcNow());
            }
        }

        _changed();
    }

    public SystemHealth Snapshot(Epoch highest)
    {
        lock (_gate)
        {
            return new SystemHealth
            {
                System = _system.SystemId,
                State = HealthTracker.OfSystem(_components.Values.Select(t => t.State)),
                EpochSeen = highest,
                Components = [.. Names().Select(n => new ComponentHealth { Name = n, State = _components[n].State, Since = _components[n].Since, Detail = _components[n].Detail ?? _failure })],
            };
        }
    }

    private HealthState? Update(string component, Func<HealthTracker, HealthTracker> update)
    {
        lock (_gate)
        {
            if (!_components.TryGetValue(component, out var before))
            {
                return null;
            }

            _failure = null;
            var after = update(before);
            _components[component] = after;
            if (after.State == before.State)
            {
                return null;
            }
        }

        _changed();
        lock (_gate)
        {
            return _components[component].State;
        }
    }

    private IEnumerable<string> Names() => (_system.Mount is null ? [] : new[] { Volume }).Concat(_system.Components.Select(c => c.Name));
}
