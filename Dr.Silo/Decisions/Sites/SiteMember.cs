using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Sites;

/// <summary>A business system as the plan of a whole site sees it.</summary>
[GenerateSerializer, Immutable, Alias("dr.SiteMember")]
public sealed record SiteMember
{
    [Id(0)] public required SystemId System { get; init; }

    /// <summary>Smaller goes first.</summary>
    [Id(1)] public int Priority { get; init; } = 100;

    /// <summary>Systems that have to serve before this one makes sense.</summary>
    [Id(2)] public IReadOnlyList<SystemId> DependsOn { get; init; } = [];

    /// <summary>What it takes of the other site's capacity, in that site's own units.</summary>
    [Id(3)] public double Load { get; init; } = 1;

    public static SiteMember Of(SystemSettings system)
    {
        ArgumentNullException.ThrowIfNull(system);
        return new SiteMember { System = system.Id, Priority = system.Priority, DependsOn = system.DependsOn, Load = system.Load };
    }
}
