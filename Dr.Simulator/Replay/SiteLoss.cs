using Dr.Silo.Decisions.Sites;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>A whole site is lost: who has to go over, and how much the other one carries.</summary>
/// <param name="Lost">The site.</param>
/// <param name="Members">Systems that serve at the lost site, with priority, dependencies and load.</param>
/// <param name="ThereAlready">Systems that serve at the other one.</param>
/// <param name="Capacity">Of the other site, in the units of the loads; null = it carries everything.</param>
internal sealed record SiteLoss(SiteId Lost, IReadOnlyList<SiteMember> Members, IReadOnlyList<SiteMember> ThereAlready, double? Capacity)
{
    /// <summary>Where a system serves before the loss.</summary>
    public SiteId HomeOf(SystemId system) => Members.Any(m => m.System == system) ? Lost : Places.Other(Lost);
}
