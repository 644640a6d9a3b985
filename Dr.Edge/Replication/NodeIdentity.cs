using System.Reflection;
using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>Who this process is towards its peers.</summary>
internal sealed record NodeIdentity(Guid Node, string Device)
{
    /// <summary>Of the protocol: lower than the program's own only to be as old as some peer is.</summary>
    public int NewestVersion { get; init; } = Hello.CurrentVersion;

    public Hello ToHello() => new(
        Hello.OldestSupported, NewestVersion, Node, Device, Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "0");
}
