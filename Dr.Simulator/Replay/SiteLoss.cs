using Dr.Silo.Decisions.Sites;

namespace Dr.Simulator.Replay;

/// <summary>A whole site is lost: who has to go over, and how much the other one carries.</summary>
/// <param name="Members">Systems that serve at the lost site, with priority, dependencies and load.</param>
/// <param name="ThereAlready">Systems that serve at the other one.</param>
/// <param name="Capacity">Of the other site, in the units of the loads; null = it carries everything.</param>
internal sealed record SiteLoss(IReadOnlyList<SiteMember> Members, IReadOnlyList<SiteMember> ThereAlready, double? Capacity);
