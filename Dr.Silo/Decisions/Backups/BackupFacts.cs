using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Backups;

/// <summary>What is so when the machine is asked.</summary>
/// <param name="Owner">The appliance whose copy is primary, at <paramref name="Epoch"/>.</param>
/// <param name="Peer">Replication address of the other copy; null = the volume has none.</param>
/// <param name="PeerReady">The other copy is heard, and a copy is under way to it.</param>
/// <param name="NewestPoint">The newest point that the owner reports.</param>
public sealed record BackupFacts(
    string Volume, BackupPolicy Policy, OpeningCalendar Calendar, DeviceId Owner, Epoch Epoch, string? Peer, DeviceId? PeerAppliance, bool PeerReady, PointId? NewestPoint);

/// <summary>A command to give; the shell fills in system, step and times.</summary>
public sealed record BackupOrder(CommandId Id, DeviceId Device, BackupStep Step, BackupJob Job, PointId? Point, DateTimeOffset Deadline);
