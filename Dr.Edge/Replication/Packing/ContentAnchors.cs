namespace Dr.Edge.Replication.Packing;

/// <summary>
/// Marks places in content by what stands there, not by where it stands: the same bytes have the same anchors wherever they lie. A rolling sum of table values over the last 32 bytes
/// (gear hash, Xia and others, "Ddelta", 2014) is an anchor when its highest bits are zero. Pure.
/// </summary>
internal static class ContentAnchors
{
    /// <summary>Each step moves older bytes up by this many bits: 64 / 2 = 32 bytes count.</summary>
    private const int Shift = 2;

    private const ulong Spread = 0x9E3779B97F4A7C15;
    private static readonly ulong[] Gear = MakeGear();

    /// <summary>Writes the anchors of <paramref name="data"/> to <paramref name="anchors"/>, a run of equal ones once; returns how many there are, at most as many as fit.</summary>
    /// <param name="bits">One place in 2^bits is an anchor.</param>
    public static int Find(ReadOnlySpan<byte> data, int bits, Span<ulong> anchors)
    {
        var gear = Gear;
        var count = 0;
        ulong sum = 0;
        ulong last = 0;
        foreach (var value in data)
        {
            sum = (sum << Shift) + gear[value];
            if (sum >> (64 - bits) != 0)
            {
                continue;
            }

            var anchor = sum * Spread;
            if (anchor == last)
            {
                continue;
            }

            if (count == anchors.Length)
            {
                break;
            }

            anchors[count++] = last = anchor;
        }

        return count;
    }

    // Any fixed values do, as long as they look random: both ends need not agree on them.
    private static ulong[] MakeGear()
    {
        var gear = new ulong[256];
        var state = Spread;
        for (var i = 0; i < gear.Length; i++)
        {
            // SplitMix64 (Steele, Lea, Flood 2014).
            state += Spread;
            var mixed = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
            gear[i] = mixed ^ (mixed >> 31);
        }

        return gear;
    }
}
