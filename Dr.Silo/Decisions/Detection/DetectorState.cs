namespace Dr.Silo.Decisions.Detection;

/// <summary>What is remembered of one device's beats. Small and immutable; lives in the grain's memory and may be lost at any time.</summary>
public sealed record DetectorState
{
    /// <summary>Delays kept for the estimate (Chen's n).</summary>
    public const int Window = 32;

    public required string BootId { get; init; }

    public required long Sequence { get; init; }

    public required DateTimeOffset ArrivedAt { get; init; }

    public required DateTimeOffset SentAt { get; init; }

    /// <summary>The promise of the last beat: the next is sent at the latest after this.</summary>
    public required TimeSpan Promise { get; init; }

    public required HourClass HourClass { get; init; }

    /// <summary>Arrival minus sending, in milliseconds, newest last. The clocks' difference is in it and cancels out.</summary>
    public required IReadOnlyList<double> DelaysMs { get; init; }

    /// <summary>No delay of the window lies outside these, in milliseconds: while they are near each other no clock was set, and the mean, which every beat would have to work out, need not be asked.</summary>
    internal double LowMs { get; init; } = double.NegativeInfinity;

    internal double HighMs { get; init; } = double.PositiveInfinity;

    /// <summary>Beats that arrived, and that did not, halved now and then so that old trouble is forgotten.</summary>
    public double Received { get; init; }

    public double Lost { get; init; }

    public double MeanDelayMs
    {
        get
        {
            var sum = 0.0;
            foreach (var delay in Delays)
            {
                sum += delay;
            }

            return sum / Delays.Length;
        }
    }

    public double DelayVariance
    {
        get
        {
            if (Delays.Length < 2)
            {
                return 0;
            }

            var mean = MeanDelayMs;
            var squares = 0.0;
            foreach (var delay in Delays)
            {
                squares += (delay - mean) * (delay - mean);
            }

            return squares / (Delays.Length - 1);
        }
    }

    /// <summary>Asked for at every beat and every judgement of every device, so it goes around the list's interface where it can.</summary>
    internal ReadOnlySpan<double> Delays => DelaysMs is double[] array ? array : DelaysMs.ToArray();

    /// <summary>Chance that a beat is lost, with half an imagined loss so that a short clean record is not taken for certainty.</summary>
    public double LossRate => (Lost + 0.5) / (Received + Lost + 1);
}
