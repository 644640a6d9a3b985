namespace Dr.Silo.Decisions.Detection;

/// <summary>
/// Quality of service of the detector on a line: Chen, Toueg, Aguilera, "On the quality of service of failure detectors" (IEEE Transactions on Computers 51, 2002), theorem 5
/// for the detector with expected arrivals: δ = E(D) + α.
/// </summary>
/// <param name="DetectionMean">T_D on average, for a stop at a random moment: δ + η/2.</param>
/// <param name="DetectionBound">T_D at the most: δ + η.</param>
/// <param name="MistakeRecurrence">E(T_MR): time from one false suspicion to the next; <see cref="TimeSpan.MaxValue"/> when none is to be expected.</param>
/// <param name="MistakeDuration">E(T_M): how long one lasts.</param>
/// <param name="Accuracy">P_A: share of the time in which a living device is not suspected.</param>
public sealed record PredictedQuality(TimeSpan DetectionMean, TimeSpan DetectionBound, TimeSpan MistakeRecurrence, TimeSpan MistakeDuration, double Accuracy)
{
    /// <summary>Steps of the integral over one period: its error is far below that of the measured loss.</summary>
    private const int Steps = 400;

    /// <param name="period">η: beats are sent this far apart.</param>
    /// <param name="alpha">What is allowed on top of the expected arrival.</param>
    public static PredictedQuality Of(TimeSpan period, TimeSpan alpha, LinkQuality link)
    {
        ArgumentNullException.ThrowIfNull(link);
        var (eta, delta) = (period.TotalMilliseconds, link.MeanDelayMs + alpha.TotalMilliseconds);
        var integral = 0.0;
        for (var i = 0; i < Steps; i++)
        {
            integral += Suspected(link, eta, delta, (i + 0.5) * eta / Steps) * eta / Steps;
        }

        var begins = Begins(link, eta, delta);
        return new PredictedQuality(
            TimeSpan.FromMilliseconds(delta + (eta / 2)),
            TimeSpan.FromMilliseconds(delta + eta),
            Recurrence(eta, begins),
            begins <= 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(integral / begins),
            1 - (integral / eta));
    }

    /// <summary>E(T_MR) alone, without the integral: cheap enough for every device of a list.</summary>
    public static TimeSpan RecurrenceOf(TimeSpan period, TimeSpan alpha, LinkQuality link)
    {
        ArgumentNullException.ThrowIfNull(link);
        return Recurrence(period.TotalMilliseconds, Begins(link, period.TotalMilliseconds, link.MeanDelayMs + alpha.TotalMilliseconds));
    }

    private static TimeSpan Recurrence(double eta, double begins) =>
        begins <= 0 || eta / begins > TimeSpan.MaxValue.TotalMilliseconds / 2 ? TimeSpan.MaxValue : TimeSpan.FromMilliseconds(eta / begins);

    /// <summary>A suspicion begins at a freshness point when the beat before was there in time and none after it is.</summary>
    private static double Begins(LinkQuality link, double eta, double delta) => (1 - link.Loss) * (1 - link.LateChance(delta + eta)) * Suspected(link, eta, delta, 0);

    /// <summary>Chance that none of the beats that could still save the device has arrived <paramref name="x"/> after the freshness point.</summary>
    private static double Suspected(LinkQuality link, double eta, double delta, double x)
    {
        var chance = 1.0;
        var k = (int)Math.Ceiling(Math.Max(0, delta) / eta);
        for (var j = 0; j <= k && chance > 0; j++)
        {
            chance *= link.Loss + ((1 - link.Loss) * link.LateChance(delta + x - (j * eta)));
        }

        return chance;
    }
}
