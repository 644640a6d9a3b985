using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Dr.Silo.Ingress;

/// <summary>
/// Which silo hears which partition: the one with the highest weight of (silo, partition), after Thaler and Ravishankar's highest random weight. Every silo computes the same
/// from the same members; when one goes only its partitions move, when one comes it only takes. Pure. The weights are the same in every version, or a mixed
/// cluster would disagree.
/// </summary>
internal static class RendezvousHashing
{
    /// <summary>The partitions of <paramref name="self"/>; none when it is not among the <paramref name="live"/>.</summary>
    public static IReadOnlyList<byte> ShareOf(string self, IReadOnlyCollection<string> live) =>
        [.. Enumerable.Range(0, Topics.PartitionCount).Select(p => (byte)p).Where(p => OwnerOf(p, live) == self)];

    /// <summary>Null when nobody is there.</summary>
    public static string? OwnerOf(byte partition, IReadOnlyCollection<string> live) =>
        live.Count == 0 ? null : live.OrderByDescending(silo => Weight(silo, partition)).ThenBy(silo => silo, StringComparer.Ordinal).First();

    /// <summary>XXH64 of the partition's byte and the silo's name in UTF-8.</summary>
    public static ulong Weight(string silo, byte partition)
    {
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(silo.Length) + 1];
        bytes[0] = partition;
        return BinaryPrimitives.ReadUInt64BigEndian(XxHash64.Hash(bytes.AsSpan(0, 1 + Encoding.UTF8.GetBytes(silo, bytes.AsSpan(1)))));
    }
}
