namespace Dr.Simulator.World;

/// <summary>
/// SplitMix64 (Steele, Lea, Flood): the same numbers for a seed on every machine and every version of the framework. Streams by name, so that one more draw in
/// one place moves nothing elsewhere.
/// </summary>
internal sealed class Chance
{
    private readonly ulong _seed;
    private ulong _state;

    public Chance(ulong seed) => (_seed, _state) = (seed, seed);

    /// <summary>An independent stream for <paramref name="name"/>.</summary>
    public Chance For(string name)
    {
        var hash = 14695981039346656037ul;
        foreach (var c in name)
        {
            hash = (hash ^ c) * 1099511628211ul;
        }

        return new Chance(Mix(_seed ^ hash));
    }

    /// <summary>0 ≤ x &lt; 1.</summary>
    public double Next()
    {
        _state += 0x9E3779B97F4A7C15ul;
        return (Mix(_state) >> 11) * (1.0 / (1ul << 53));
    }

    public double Between(double low, double high) => low + ((high - low) * Next());

    public TimeSpan Between(TimeSpan low, TimeSpan high) => low + ((high - low) * Next());

    public int Below(int count) => (int)(Next() * count);

    public bool Hits(double probability) => Next() < probability;

    /// <summary>Exponential with the given mean.</summary>
    public double Exponential(double mean) => -mean * Math.Log(1 - Next());

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ul;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBul;
        return z ^ (z >> 31);
    }
}
