using System.Diagnostics;

namespace Dr.Edge.Nbd;

/// <summary>Looks for input for a moment, on behalf of one connection; of all connections together only so many at once that half of the processors are left to others.</summary>
internal struct InputPoll
{
    private static readonly long LimitTicks = (long)(NbdLimits.PollTime.TotalSeconds * Stopwatch.Frequency);
    private static readonly int MostAtOnce = Environment.ProcessorCount / 2;
    private static int _atOnce;
    private PollDecision _decision;
    private long _requests;

    /// <summary>Returns when something has come in, or it is time to wait for it asleep. Never takes longer than <see cref="NbdLimits.PollTime"/>.</summary>
    /// <param name="requests">Requests of the connection so far.</param>
    public void Wait(INbdChannel channel, long requests)
    {
        var done = requests - _requests;
        _requests = requests;
        if (!_decision.IsWorthALook(done))
        {
            return;
        }

        if (Interlocked.Increment(ref _atOnce) <= MostAtOnce)
        {
            var start = Stopwatch.GetTimestamp();
            bool found;
            while (!(found = channel.HasInput) && Stopwatch.GetTimestamp() - start < LimitTicks)
            {
                Thread.SpinWait(1);
            }

            _decision.Looked(found);
        }

        Interlocked.Decrement(ref _atOnce);
    }
}
