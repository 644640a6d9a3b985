using Dr.Edge.Host.Config;

namespace Dr.Edge.Host.Plan;

/// <summary>
/// Decides which steps bring a system from what was observed to running or to stopped. Pure. The order holds always:
/// export → block device → check → mount → components, each after what it depends on; and the reverse to stop.
/// </summary>
internal static class SystemPlan
{
    /// <summary>Steps that make the system run at <paramref name="epoch"/>. Nothing but checks when it runs already.</summary>
    public static IReadOnlyList<HostStep> Start(SystemConfig system, SystemObservation seen, Epoch epoch)
    {
        var steps = new List<HostStep>();

        // What was started under an earlier ownership may hold a cache of content that has been replaced below it since: it is taken down and attached anew.
        var groundless = !HasGround(system, seen) && seen.Components.Values.Any(p => p != ComponentPresence.Absent);
        if (seen.IsStale || groundless || (!seen.IsGone && seen.StartedAt < epoch))
        {
            steps.AddRange(Stop(system, seen));
            seen = new SystemObservation();
        }

        if (system.Mount is not null && seen.Mount == LayerState.Absent)
        {
            if (seen.Export == LayerState.Absent)
            {
                steps.Add(new(HostStepKind.AttachExport));
            }

            if (seen.Loop == LayerState.Absent)
            {
                steps.Add(new(HostStepKind.AttachLoop));
            }

            steps.Add(new(HostStepKind.CheckFileSystem));
            steps.Add(new(HostStepKind.Mount));
        }

        foreach (var component in ComponentOrder.Of(system.Components).Order)
        {
            var presence = seen.Of(component.Name);
            if (presence == ComponentPresence.Leftover)
            {
                steps.Add(new(HostStepKind.KillComponent, component.Name));
            }

            if (presence != ComponentPresence.Running)
            {
                steps.Add(new(HostStepKind.StartComponent, component.Name));
            }

            steps.Add(new(HostStepKind.CheckComponent, component.Name));
        }

        return steps;
    }

    /// <summary>Steps that leave nothing of the system on this machine; only the proof when nothing is there.</summary>
    public static IReadOnlyList<HostStep> Stop(SystemConfig system, SystemObservation seen)
    {
        var steps = new List<HostStep>();
        foreach (var component in ComponentOrder.Of(system.Components).Order.Reverse())
        {
            // An orderly stop writes; on a dead attachment it would hang or fail, and there is nothing left that it could save.
            switch (seen.Of(component.Name))
            {
                case ComponentPresence.Running when HasGround(system, seen):
                    steps.Add(new(HostStepKind.StopComponent, component.Name));
                    break;
                case ComponentPresence.Running:
                    steps.Add(new(HostStepKind.KillComponent, component.Name, Stale: true));
                    break;
                case ComponentPresence.Leftover:
                    steps.Add(new(HostStepKind.KillComponent, component.Name));
                    break;
                case ComponentPresence.Absent:
                default:
                    break;
            }
        }

        if (seen.Mount != LayerState.Absent)
        {
            steps.Add(new(HostStepKind.Unmount, Stale: seen.IsStale));
        }

        if (seen.Loop != LayerState.Absent)
        {
            steps.Add(new(HostStepKind.DetachLoop, Stale: seen.IsStale));
        }

        if (seen.Export != LayerState.Absent)
        {
            steps.Add(new(HostStepKind.DetachExport, Stale: seen.IsStale));
        }

        steps.Add(new(HostStepKind.ProveStopped));
        return steps;
    }

    /// <summary>True when components can write: there is no file system, or it is mounted and works all the way down.</summary>
    private static bool HasGround(SystemConfig system, SystemObservation seen) => system.Mount is null || (seen.Mount == LayerState.Present && !seen.IsStale);
}
