namespace Dr.Silo.Decisions.Detection;

/// <summary>What a line does to beats, as measured. Delays are taken as a floor and an exponential tail with the measured deviation: heavier than a normal tail, as queues are.</summary>
/// <param name="Loss">Chance that a beat never arrives, 0–1.</param>
/// <param name="MeanDelayMs">Arrival minus sending on average; a difference of the clocks cancels out.</param>
/// <param name="DeviationMs">Its standard deviation.</param>
public sealed record LinkQuality(double Loss, double MeanDelayMs, double DeviationMs)
{
    /// <summary>Chance that a beat which arrives at all takes longer than <paramref name="ms"/>.</summary>
    public double LateChance(double ms)
    {
        var floor = MeanDelayMs - DeviationMs;
        return ms < floor ? 1 : DeviationMs <= 0 ? 0 : Math.Exp(-(ms - floor) / DeviationMs);
    }

    /// <summary>As measured of one device. The clocks' difference is in its mean delay and says nothing: only how delays differ from it counts.</summary>
    public static LinkQuality Of(DetectorState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        var deviation = Math.Sqrt(Math.Max(FailureDetector.LeastVarianceMs2, state.DelayVariance));
        return new LinkQuality(state.LossRate, deviation, deviation);
    }
}
