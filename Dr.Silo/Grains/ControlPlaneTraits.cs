namespace Dr.Silo.Grains;

/// <summary>What differs between the embedded default and a cluster.</summary>
/// <param name="Reminders">A reminder service is there to wake grains of a lost silo; otherwise the waker of this process does.</param>
public sealed record ControlPlaneTraits(bool Reminders);
