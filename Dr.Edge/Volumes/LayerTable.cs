using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Mapping;

namespace Dr.Edge.Volumes;

/// <summary>
/// The open files that block maps point into, by slot; one table for all volumes of a set, so that views and clones share their parents' locations. Slot 0 is never used.
/// A slot is used again only long after its file was closed; a reader that still holds an old location then fails its checksum, looks again, and finds the new one.
/// </summary>
internal sealed class LayerTable
{
    private readonly Lock _lock = new(); // Guards the growth of _files and _free.
    private readonly Queue<int> _free = new();
    private LayerFile?[] _files = new LayerFile?[64];
    private int _next = 1;

    public LayerFile? Find(int slot)
    {
        var files = Volatile.Read(ref _files);
        return (uint)slot < (uint)files.Length ? Volatile.Read(ref files[slot]) : null;
    }

    public LayerFile Add(DurableFile file)
    {
        lock (_lock)
        {
            // Freed slots wait at the end of a long queue before they are used again.
            var slot = _free.Count > 4096 || _next == BlockLocation.MaxSlots ? _free.Dequeue() : _next++;
            if (slot >= _files.Length)
            {
                var larger = new LayerFile?[_files.Length * 2];
                _files.CopyTo(larger, 0);
                Volatile.Write(ref _files, larger);
            }

            var layer = new LayerFile(this, slot, file);
            Volatile.Write(ref _files[slot], layer);
            return layer;
        }
    }

    internal void Remove(int slot)
    {
        lock (_lock)
        {
            Volatile.Write(ref _files[slot], null);
            _free.Enqueue(slot);
        }
    }
}

/// <summary>An open file in the table, closed when the last of its users has let go.</summary>
internal sealed class LayerFile(LayerTable table, int slot, DurableFile file)
{
    private int _users = 1;

    public int Slot { get; } = slot;

    public DurableFile File { get; } = file;

    /// <summary>How many use it now; the volume it is part of is one of them.</summary>
    public int Users => Volatile.Read(ref _users);

    public LayerFile AddUser()
    {
        Invariant.Require(Interlocked.Increment(ref _users) > 1, "a closed layer file was used again");
        return this;
    }

    /// <summary>False when it is closed already.</summary>
    public bool TryAddUser()
    {
        for (var users = Volatile.Read(ref _users); users > 0; users = Volatile.Read(ref _users))
        {
            if (Interlocked.CompareExchange(ref _users, users + 1, users) == users)
            {
                return true;
            }
        }

        return false;
    }

    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            table.Remove(Slot);
            File.Dispose();
        }
    }
}
