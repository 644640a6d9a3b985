using System.Numerics;
using System.Runtime.CompilerServices;

namespace Dr.Edge.Volumes.Mapping;

/// <summary>
/// The entries of 512 neighbouring blocks in one array of words, so that a look-up follows no pointer more than it must. Two shapes, told apart by their length:
/// <code>
/// both     [0] stamp: who may change it (see BlockMap)   [1] version: odd while the writer changes it
/// dense    [2..513] a location a block                   [514..769] a checksum a block, two in a word
/// sparse   [2] location of the blocks that have none     [3] count   [4..11] which blocks have one, a bit each   then locations by rank, then checksums by rank
/// </code>
/// Dense costs 12 bytes a block, sparse 12 bytes for each block that has an entry: random small writes over a large volume cost what they wrote.
/// <para>One writer; readers take no lock: they read the version before and after and try again when it moved. A leaf that is too small is replaced by a larger one.</para>
/// </summary>
internal static class MapLeaf
{
    public const int Blocks = 512;
    public const int Stamp = 0;
    private const int Version = 1;
    private const int DenseLocations = 2;
    private const int DenseChecksums = DenseLocations + Blocks;
    private const int DenseLength = DenseChecksums + (Blocks / 2);
    private const int Default = 2;
    private const int Count = 3;
    private const int Bits = 4;
    private const int Entries = Bits + (Blocks / 64);

    // Entries beyond this would cost about as much as a dense leaf, and more to look up.
    private const int MaxSparse = 256;
    private const int MinSparse = 16;

    public static ulong[] NewDense(long stamp)
    {
        var leaf = new ulong[DenseLength];
        leaf[Stamp] = (ulong)stamp;
        return leaf;
    }

    /// <summary>A leaf whose blocks all have one location.</summary>
    public static ulong[] NewUniform(long stamp, BlockLocation location)
    {
        var leaf = NewSparse(stamp, 0);
        leaf[Default] = location.Value;
        return leaf;
    }

    public static ulong[] NewSmall(long stamp) => NewSparse(stamp, MinSparse);

    /// <summary>For any reader, at any time.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(ulong[] leaf, int index, out uint checksum)
    {
        var version = Volatile.Read(ref leaf[Version]);
        if ((version & 1) == 0 && leaf.Length == DenseLength)
        {
            var location = Volatile.Read(ref leaf[DenseLocations + index]);
            checksum = Volatile.Read(ref ChecksumAt(leaf, DenseChecksums, index));
            if (Volatile.Read(ref leaf[Version]) == version)
            {
                return location;
            }
        }

        return ReadSlowly(leaf, index, out checksum);
    }

    /// <summary>For the writer, and for leaves that nobody changes.</summary>
    public static ulong Peek(ulong[] leaf, int index)
    {
        if (leaf.Length == DenseLength)
        {
            return leaf[DenseLocations + index];
        }

        var rank = Rank(leaf, index, out var present);
        return present ? leaf[Entries + rank] : leaf[Default];
    }

    /// <summary>The first block at or after <paramref name="index"/> that may hold data; 512 when none does. For any reader: entries come and never go while a leaf is in use.</summary>
    public static int NextEntry(ulong[] leaf, int index)
    {
        if (leaf.Length == DenseLength)
        {
            return index;
        }

        for (var word = index >> 6; word < Blocks / 64; word++)
        {
            var bits = Volatile.Read(ref leaf[Bits + word]);
            bits = word == index >> 6 ? bits & (ulong.MaxValue << index) : bits;
            if (bits != 0)
            {
                return (word * 64) + BitOperations.TrailingZeroCount(bits);
            }
        }

        return Blocks;
    }

    /// <summary>The writer's: false when the leaf has no room for one more block. The leaf must be its own (see <see cref="BlockMap"/>).</summary>
    public static bool TrySet(ulong[] leaf, int index, ulong location, uint checksum)
    {
        int locationAt, checksumsAt, checksumIndex;
        if (leaf.Length == DenseLength)
        {
            (locationAt, checksumsAt, checksumIndex) = (DenseLocations + index, DenseChecksums, index);
        }
        else
        {
            var rank = Rank(leaf, index, out var present);
            if (!present)
            {
                return TryInsert(leaf, index, rank, location, checksum);
            }

            (locationAt, checksumsAt, checksumIndex) = (Entries + rank, Entries + Capacity(leaf), rank);
        }

        var version = leaf[Version];
        Volatile.Write(ref leaf[Version], version + 1);
        Volatile.Write(ref leaf[locationAt], location);
        Volatile.Write(ref ChecksumAt(leaf, checksumsAt, checksumIndex), checksum);
        Volatile.Write(ref leaf[Version], version + 2);
        return true;
    }

    /// <summary>A copy for another owner, of the same size.</summary>
    public static ulong[] Copy(ulong[] leaf, long stamp)
    {
        var copy = leaf.AsSpan().ToArray();
        copy[Stamp] = (ulong)stamp;
        copy[Version] = 0;
        return copy;
    }

    /// <summary>A copy with room for more blocks.</summary>
    public static ulong[] Enlarge(ulong[] leaf, long stamp)
    {
        var capacity = Math.Max(Capacity(leaf) * 2, MinSparse);
        if (capacity > MaxSparse)
        {
            var dense = NewDense(stamp);
            Expand(leaf, dense);
            return dense;
        }

        var larger = NewSparse(stamp, capacity);
        leaf.AsSpan(Default, Entries - Default).CopyTo(larger.AsSpan(Default));
        leaf.AsSpan(Entries, (int)leaf[Count]).CopyTo(larger.AsSpan(Entries));
        leaf.AsSpan(Entries + Capacity(leaf)).CopyTo(larger.AsSpan(Entries + capacity));
        return larger;
    }

    /// <summary>Writes everything a leaf says into a dense one that nobody reads yet.</summary>
    public static void Expand(ulong[] leaf, ulong[] dense)
    {
        if (leaf.Length == DenseLength)
        {
            leaf.AsSpan(DenseLocations).CopyTo(dense.AsSpan(DenseLocations));
            return;
        }

        dense.AsSpan(DenseLocations, Blocks).Fill(leaf[Default]);
        var rank = 0;
        for (var word = 0; word < Blocks / 64; word++)
        {
            for (var bits = leaf[Bits + word]; bits != 0; bits &= bits - 1, rank++)
            {
                var index = (word * 64) + BitOperations.TrailingZeroCount(bits);
                dense[DenseLocations + index] = leaf[Entries + rank];
                ChecksumAt(dense, DenseChecksums, index) = ChecksumAt(leaf, Entries + Capacity(leaf), rank);
            }
        }
    }

    /// <summary>Makes a dense leaf that nobody reads say nothing again.</summary>
    public static void Reset(ulong[] dense) => dense.AsSpan(DenseLocations).Clear();

    /// <summary>The smallest leaf that says what <paramref name="dense"/> says; null when that is nothing at all.</summary>
    public static ulong[]? Pack(ulong[] dense, long stamp)
    {
        var common = CommonLocation(dense);
        var locations = dense.AsSpan(DenseLocations, Blocks);
        var count = Blocks - locations.Count(common);
        if (count == 0 && common == 0)
        {
            return null;
        }

        if (count > MaxSparse + (MaxSparse / 4))
        {
            return Copy(dense, stamp);
        }

        var packed = NewSparse(stamp, (count + 7) & ~7);
        packed[Default] = common;
        packed[Count] = (ulong)count;
        var rank = 0;
        for (var index = 0; index < Blocks; index++)
        {
            if (locations[index] != common)
            {
                packed[Bits + (index >> 6)] |= 1UL << index;
                packed[Entries + rank] = locations[index];
                ChecksumAt(packed, Entries + Capacity(packed), rank) = ChecksumAt(dense, DenseChecksums, index);
                rank++;
            }
        }

        return packed;
    }

    public static ref ulong DenseLocation(ulong[] dense, int index) => ref dense[DenseLocations + index];

    public static ref uint DenseChecksum(ulong[] dense, int index) => ref ChecksumAt(dense, DenseChecksums, index);

    /// <summary>How many blocks have a location with data.</summary>
    public static long CountData(ulong[] dense)
    {
        var none = Vector<ulong>.Zero;
        var mask = new Vector<ulong>(BlockLocation.OffsetMask);
        var locations = dense.AsSpan(DenseLocations, Blocks);
        for (; locations.Length >= Vector<ulong>.Count; locations = locations[Vector<ulong>.Count..])
        {
            // All ones where there is no data: taking them away counts up.
            none -= Vector.Equals(new Vector<ulong>(locations) & mask, Vector<ulong>.Zero);
        }

        return Blocks - (long)Vector.Sum(none);
    }

    /// <summary>Zeros over more than half of the blocks become what blocks without an entry have.</summary>
    private static ulong CommonLocation(ulong[] dense)
    {
        var locations = dense.AsSpan(DenseLocations, Blocks);
        var middle = locations[Blocks / 2];
        return middle != 0 && (middle & BlockLocation.OffsetMask) == 0 && locations.Count(middle) > Blocks / 2 ? middle : 0;
    }

    private static ulong ReadSlowly(ulong[] leaf, int index, out uint checksum)
    {
        var spin = default(SpinWait);
        while (true)
        {
            var version = Volatile.Read(ref leaf[Version]);
            if ((version & 1) == 0 && TryReadOnce(leaf, index, out var location, out checksum))
            {
                Volatile.ReadBarrier();
                if (leaf[Version] == version)
                {
                    return location;
                }
            }

            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    private static bool TryReadOnce(ulong[] leaf, int index, out ulong location, out uint checksum)
    {
        checksum = 0;
        if (leaf.Length == DenseLength)
        {
            location = leaf[DenseLocations + index];
            checksum = ChecksumAt(leaf, DenseChecksums, index);
            return true;
        }

        var rank = Rank(leaf, index, out var present);
        location = leaf[Default];
        if (present)
        {
            var capacity = Capacity(leaf);
            if (rank >= capacity)
            {
                // Read while it was being changed.
                return false;
            }

            location = leaf[Entries + rank];
            checksum = ChecksumAt(leaf, Entries + capacity, rank);
        }

        return true;
    }

    private static bool TryInsert(ulong[] leaf, int index, int rank, ulong location, uint checksum)
    {
        var count = (int)leaf[Count];
        var capacity = Capacity(leaf);
        if (count == capacity)
        {
            return false;
        }

        var version = leaf[Version];
        Volatile.Write(ref leaf[Version], version + 1);
        Volatile.WriteBarrier();
        leaf.AsSpan(Entries + rank, count - rank).CopyTo(leaf.AsSpan(Entries + rank + 1));
        var checksums = Checksums(leaf, capacity);
        checksums[rank..count].CopyTo(checksums[(rank + 1)..]);
        leaf[Entries + rank] = location;
        checksums[rank] = checksum;
        leaf[Bits + (index >> 6)] |= 1UL << index;
        leaf[Count] = (ulong)count + 1;
        Volatile.Write(ref leaf[Version], version + 2);
        return true;
    }

    /// <summary>How many blocks before this one have an entry.</summary>
    private static int Rank(ulong[] leaf, int index, out bool present)
    {
        var word = index >> 6;
        var bits = leaf[Bits + word];
        var bit = 1UL << index;
        present = (bits & bit) != 0;
        var rank = BitOperations.PopCount(bits & (bit - 1));
        for (var i = 0; i < word; i++)
        {
            rank += BitOperations.PopCount(leaf[Bits + i]);
        }

        return rank;
    }

    private static ulong[] NewSparse(long stamp, int capacity)
    {
        var leaf = new ulong[Entries + capacity + (capacity / 2)];
        leaf[Stamp] = (ulong)stamp;
        return leaf;
    }

    private static int Capacity(ulong[] sparse) => (sparse.Length - Entries) / 3 * 2;

    private static Span<uint> Checksums(ulong[] sparse, int capacity) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<ulong, uint>(sparse.AsSpan(Entries + capacity));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref uint ChecksumAt(ulong[] leaf, int start, int index)
    {
        // Two to a word; the index of the word is checked like any other.
        ref var word = ref leaf[start + (index >> 1)];
        return ref Unsafe.Add(ref Unsafe.As<ulong, uint>(ref word), index & 1);
    }
}
