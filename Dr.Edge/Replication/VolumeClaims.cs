namespace Dr.Edge.Replication;

/// <summary>
/// Which incoming stream feeds which volume: one at a time. A newer one takes over from an older (whose connection is usually dead without anybody having noticed) after that has stopped touching the volume.
/// </summary>
internal sealed class VolumeClaims
{
    private readonly Lock _lock = new(); // Guards _owners.
    private readonly Dictionary<VolumeId, TargetStream> _owners = [];

    public async Task TakeAsync(VolumeId volume, TargetStream stream)
    {
        while (true)
        {
            TargetStream? older;
            lock (_lock)
            {
                if (!_owners.TryGetValue(volume, out older) || older == stream)
                {
                    _owners[volume] = stream;
                    return;
                }
            }

            await older.DisplaceAsync();
            Release(volume, older);
        }
    }

    public void Release(VolumeId volume, TargetStream stream)
    {
        lock (_lock)
        {
            if (_owners.TryGetValue(volume, out var owner) && owner == stream)
            {
                _owners.Remove(volume);
            }
        }
    }

    /// <summary>True while some source feeds the volume.</summary>
    public bool IsFed(VolumeId volume)
    {
        lock (_lock)
        {
            return _owners.ContainsKey(volume);
        }
    }
}
