namespace Dr.Edge.Volumes;

/// <content>Another name.</content>
internal sealed partial class VolumeSet
{
    /// <summary>Gives a volume that no copy and no client knows yet another name: one that was filled under a name that says so.</summary>
    /// <exception cref="DrException">The name is taken, is none, or the volume is attached.</exception>
    public void Rename(Volume volume, string name)
    {
        CheckNew(name, volume.SizeBytes);
        lock (_lock)
        {
            if (Find(name) is not null)
            {
                throw new DrException($"There is a volume or clone named {name} already.", "Choose another name.");
            }

            if (_leases.GetValueOrDefault(volume.Id) > 0)
            {
                throw new DrException($"Volume {volume.Name} is attached by {_leases[volume.Id]} client(s).", "Detach them first.");
            }

            volume.Rename(name);
        }
    }
}
