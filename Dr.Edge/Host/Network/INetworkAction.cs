namespace Dr.Edge.Host.Network;

/// <summary>One thing that leads clients to this site, or away from it. Each action may be repeated.</summary>
internal interface INetworkAction
{
    /// <summary>For people: <c>address 10.1.2.3/24 on eth0</c>.</summary>
    string Name { get; }

    /// <summary>Looks whether it is in force on this machine.</summary>
    Task<bool> ReadAsync(CancellationToken cancellationToken);

    /// <summary>Asks whoever knows of both sites whether a higher epoch has acted already; asked of every action before the first one acts.</summary>
    /// <exception cref="FencedException">It has.</exception>
    Task RefuseAsync(Epoch epoch, CancellationToken cancellationToken) => Task.CompletedTask;

    Task ApplyAsync(Epoch epoch, CancellationToken cancellationToken);

    Task RemoveAsync(Epoch epoch, CancellationToken cancellationToken);
}
