using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Components;

/// <summary>Knows how one kind of component is prepared, started, found and stopped. Each action may be repeated.</summary>
internal interface IComponentDriver
{
    ComponentOptions Options { get; }

    /// <summary>Makes what the first start needs, on a volume that does not have it yet. Returns what was done, null when all was there.</summary>
    Task<string?> PrepareAsync(CancellationToken cancellationToken);

    Task<ComponentPresence> ObserveAsync(CancellationToken cancellationToken);

    /// <summary>Starts it; whether it works is told by its check.</summary>
    Task StartAsync(CancellationToken cancellationToken);

    /// <summary>An orderly stop, forced after the component's stop timeout. Returns when none of its processes is left.</summary>
    Task StopAsync(CancellationToken cancellationToken);

    /// <summary>Kills what is left of it, without asking.</summary>
    Task KillAsync(CancellationToken cancellationToken);

    /// <summary>The live processes that are certainly its own.</summary>
    IReadOnlyList<ProcessEntry> Processes();

    /// <summary>How its checks reach it, when they are not told otherwise.</summary>
    string? DefaultConnection { get; }
}
