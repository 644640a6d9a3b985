using Dr.Edge.Host.Config;
using Dr.Edge.Hosting;
using Dr.Edge.Link;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Host;

/// <summary>The systems of this machine's configuration.</summary>
internal sealed class HostedSystems : IDisposable
{
    private readonly string _dataDirectory;

    // Resolved at use: the link itself is made of the executors that lead here.
    private readonly IServiceProvider _services;

    public HostedSystems(EdgeConfig config, IServiceProvider services, TimeProvider time, ILogger<HostedSystemSession> logger)
    {
        _services = services;
        _dataDirectory = config.Data;
        var nbd = config.Nbd.Socket is { } socket ? $"unix:{Path.GetFullPath(socket)}" : $"tcp:{config.Nbd.Listen}";
        All = config.HasRole("host") ? [.. config.Systems.Select(s => new HostedSystemSession(s, config.Data, nbd, RequestBeat, time, logger))] : [];
    }

    public IReadOnlyList<HostedSystemSession> All { get; }

    /// <exception cref="DrException">There is no such system here.</exception>
    public HostedSystemSession Get(string id) => All.FirstOrDefault(s => s.System.Id == id)
        ?? throw new DrException(
            $"System '{id}' is not configured on this machine.", All.Count == 0 ? "Give the device the role 'host' and a 'systems' section." : $"There is: {string.Join(", ", All.Select(s => s.System.Id))}.");

    public HostPaths PathsOf(SystemConfig system) => new(_dataDirectory, system.Id, system.Volume ?? "none");

    /// <summary>The highest epoch this device has seen for the system, from any side; 1 where there is no control plane.</summary>
    public Epoch Known(HostedSystemSession session)
    {
        var highest = session.State.Highest;
        if (_services.GetService<EpochMemory>()?.Highest(session.System.SystemId) is { } seen && seen > highest)
        {
            highest = seen;
        }

        return highest == Epoch.None ? Epoch.First : highest;
    }

    public void Dispose()
    {
        foreach (var session in All)
        {
            session.Dispose();
        }
    }

    private void RequestBeat() => _services.GetService<IBeatTrigger>()?.RequestBeatNow();
}
