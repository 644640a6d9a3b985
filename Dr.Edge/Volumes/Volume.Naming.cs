namespace Dr.Edge.Volumes;

/// <content>Another name.</content>
internal sealed partial class Volume
{
    /// <summary>Durable on return. <see cref="VolumeSet.Rename"/> sees to it that the name is free.</summary>
    internal void Rename(string name)
    {
        lock (_syncLock)
        {
            CommitLocked(State with { Name = name });
        }

        RaiseStateChanged();
    }
}
