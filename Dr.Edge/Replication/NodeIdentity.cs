using System.Reflection;
using Dr.Contracts.Wire;

namespace Dr.Edge.Replication;

/// <summary>Who this process is towards its peers.</summary>
internal sealed record NodeIdentity(Guid Node, string Device)
{
    public Hello ToHello() => new(
        Hello.OldestSupported, Hello.CurrentVersion, Node, Device, Assembly.GetExecutingAssembly().GetName().Version?.ToString(3) ?? "0");
}
