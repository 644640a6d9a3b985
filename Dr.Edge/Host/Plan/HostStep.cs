namespace Dr.Edge.Host.Plan;

internal enum HostStepKind
{
    AttachExport,
    AttachLoop,
    CheckFileSystem,
    Mount,
    StartComponent,
    CheckComponent,
    StopComponent,

    /// <summary>Ends what is left of a component whose ground is gone; no orderly stop is possible.</summary>
    KillComponent,
    Unmount,
    DetachLoop,
    DetachExport,

    /// <summary>Looks again and fails unless nothing of the system is left.</summary>
    ProveStopped,
}

/// <param name="Subject">The component's name; empty for the steps of the attachment.</param>
/// <param name="Stale">What is taken away has lost its ground already, so it may be taken away by force.</param>
internal sealed record HostStep(HostStepKind Kind, string Subject = "", bool Stale = false)
{
    public override string ToString() => (Subject.Length == 0 ? $"{Kind}" : $"{Kind} {Subject}") + (Stale ? " (stale)" : "");
}
