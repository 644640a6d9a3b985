using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication;

/// <summary>What every incoming stream of this process shares.</summary>
internal sealed record TargetContext(VolumeSet Volumes, VolumeClaims Claims, NodeIdentity Identity, TimeProvider Time, ILogger Logger)
{
    /// <summary>How connections are made safe.</summary>
    public Line.ReplicationTls Tls { get; init; } = Line.ReplicationTls.Off;
}
