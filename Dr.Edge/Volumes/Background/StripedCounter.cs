namespace Dr.Edge.Volumes.Background;

/// <summary>
/// A count and a sum that many threads add to without meeting each other: each thread has its own cache line, most of the time. Nothing that was added is ever lost; a reader
/// sees every addition that was over before it asked.
/// </summary>
internal sealed class StripedCounter
{
    private const int Stripes = 16; // A power of two; more threads than that share.
    private const int StripeLongs = 16; // 128 bytes: neighbouring lines are fetched in pairs.
    private readonly long[] _values = new long[(Stripes + 1) * StripeLongs];

    public long Count => Sum(0);

    /// <summary>Sum of the amounts.</summary>
    public long Total => Sum(1);

    public void Add(long amount, long count = 1)
    {
        // The first stripe begins behind the array's own header.
        var stripe = ((Environment.CurrentManagedThreadId & (Stripes - 1)) + 1) * StripeLongs;
        Interlocked.Add(ref _values[stripe], count);
        Interlocked.Add(ref _values[stripe + 1], amount);
    }

    private long Sum(int field)
    {
        long sum = 0;
        for (var stripe = StripeLongs; stripe < _values.Length; stripe += StripeLongs)
        {
            sum += Volatile.Read(ref _values[stripe + field]);
        }

        return sum;
    }
}
