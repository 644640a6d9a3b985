using Dr.Edge.Link;

namespace Dr.Edge.Host;

/// <summary>Reports the health of this machine's systems, and how long they take to answer, in every beat.</summary>
internal sealed class SystemHealthContributor(HostedSystems systems) : IBeatContributor
{
    public void Contribute(BeatDraft draft)
    {
        draft.Systems.AddRange(systems.All.Select(s => s.Health with { EpochSeen = systems.Known(s) }));
        draft.Load = draft.Load with { ResponseMs = systems.All.Select(s => s.ResponseMs).Append(draft.Load.ResponseMs).Max() };
    }
}
