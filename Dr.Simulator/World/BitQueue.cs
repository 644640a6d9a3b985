namespace Dr.Simulator.World;

/// <summary>Bits in the order in which they came; order is what makes any prefix of a copy consistent.</summary>
internal sealed class BitQueue(int seconds)
{
    private readonly double[] _arrived = new double[seconds + 1];
    private double _total;
    private double _left;
    private int _head;

    public double Waiting => _total - _left < 1e-6 ? 0 : _total - _left;

    public void Arrive(int second, double bits)
    {
        _total += bits;
        _arrived[second + 1] = _total;
    }

    /// <summary>At most <paramref name="bits"/> leave; gives how many did.</summary>
    public double Leave(double bits)
    {
        var took = Math.Min(bits, Waiting);
        _left += took;
        return took;
    }

    /// <summary>Age in seconds of the oldest bit that still waits, at the beginning of <paramref name="second"/>; 0 when none does.</summary>
    public double AgeAt(int second)
    {
        if (Waiting == 0)
        {
            return 0;
        }

        while (_head + 1 < second && _arrived[_head + 1] <= _left + 1e-6)
        {
            _head++;
        }

        return second - _head;
    }
}
