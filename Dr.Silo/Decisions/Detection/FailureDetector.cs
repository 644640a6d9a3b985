namespace Dr.Silo.Decisions.Detection;

public enum Liveness
{
    /// <summary>Within its promise.</summary>
    Alive,

    /// <summary>Past its deadline: a suspect, nothing more.</summary>
    Overdue,

    /// <summary>We had trouble of our own: nobody is judged.</summary>
    NotJudged,
}

/// <summary>A judgement with the score that people see.</summary>
/// <param name="Phi">−log10 of the chance that a living device would be this silent; the higher, the surer.</param>
/// <param name="Deadline">When silence becomes suspicion.</param>
public sealed record Judgement(Liveness Liveness, double Phi, DateTimeOffset Deadline);

/// <summary>
/// Chen, Toueg and Aguilera's NFD-E with the period taken from each beat instead of guessed: expected arrival = promised sending + mean delay of the last
/// n beats; deadline = that + α of the class. A beat that promises a longer silence moves the deadline at once, so going from busy to idle hours is no event.
/// </summary>
public static class FailureDetector
{
    /// <summary>Beyond this the chance is too small to mean anything.</summary>
    public const double MaxPhi = 300;

    /// <summary>Counters are halved here, so that the loss rate follows the last few hundred beats.</summary>
    private const double CounterLimit = 512;

    /// <summary>Timer granularity of both ends: no line is steadier than that.</summary>
    internal const double LeastVarianceMs2 = 25;

    /// <summary>Takes in a beat. A repeated or overtaken one changes nothing; another boot id begins anew.</summary>
    public static DetectorState Heard(DetectorState? state, Beat beat, DateTimeOffset arrivedAt)
    {
        ArgumentNullException.ThrowIfNull(beat);
        return Heard(state, beat.BootId, beat.Sequence, beat.NextDueMs, beat.HourClass, beat.SentAt, arrivedAt);
    }

    /// <summary>What counts of a beat, for whoever plays millions of them.</summary>
    internal static DetectorState Heard(DetectorState? state, string bootId, long sequence, int nextDueMs, HourClass hours, DateTimeOffset sentAt, DateTimeOffset arrivedAt)
    {
        var delay = (arrivedAt - sentAt).TotalMilliseconds;
        var promise = TimeSpan.FromMilliseconds(Math.Max(1, nextDueMs));
        if (state is null || state.BootId != bootId)
        {
            return new DetectorState
            {
                BootId = bootId,
                Sequence = sequence,
                ArrivedAt = arrivedAt,
                SentAt = sentAt,
                Promise = promise,
                HourClass = hours,
                DelaysMs = [delay],
                LowMs = delay,
                HighMs = delay,
                Received = 1,
            };
        }

        if (sequence <= state.Sequence)
        {
            return state;
        }

        // A sender whose clock was set: the old delays say nothing about the new ones.
        var (low, high) = (Math.Min(state.LowMs, delay), Math.Max(state.HighMs, delay));
        var stepped = high - low > 60_000 && Math.Abs(delay - state.MeanDelayMs) > Math.Max(60_000, state.Promise.TotalMilliseconds * 2);
        var fade = state.Received + state.Lost > CounterLimit ? 0.5 : 1;
        return state with
        {
            Sequence = sequence,
            ArrivedAt = arrivedAt,
            SentAt = sentAt,
            Promise = promise,
            HourClass = hours,
            DelaysMs = stepped ? [delay] : Newest(state.Delays, delay),
            LowMs = stepped ? delay : low,
            HighMs = stepped ? delay : high,
            Received = (state.Received * fade) + 1,
            Lost = (state.Lost * fade) + (sequence - state.Sequence - 1),
        };
    }

    /// <summary>The window with one more delay. Runs for every beat of every device.</summary>
    private static double[] Newest(ReadOnlySpan<double> delays, double delay)
    {
        var kept = Math.Min(delays.Length, DetectorState.Window - 1);
        var window = new double[kept + 1];
        delays[^kept..].CopyTo(window);
        window[kept] = delay;
        return window;
    }

    /// <summary>When the next beat is expected, on our clock.</summary>
    public static DateTimeOffset ExpectedArrival(DetectorState state)
    {
        ArgumentNullException.ThrowIfNull(state);
        // Arrival + promise, corrected by how much earlier or later than usual the last one came. No correction exceeds the promise itself:
        // a clock that was set must not postpone suspicion without end.
        var limit = state.Promise.TotalMilliseconds;
        var correction = Math.Clamp(state.MeanDelayMs - state.Delays[^1], -limit, limit);
        return state.ArrivedAt + state.Promise + TimeSpan.FromMilliseconds(correction);
    }

    public static DateTimeOffset Deadline(DetectorState state, TimeSpan alpha) => ExpectedArrival(state) + alpha;

    /// <summary>Judges one device. <paramref name="local"/> is the observer's own health after its tick.</summary>
    public static Judgement Judge(DetectorState state, TimeSpan alpha, LocalHealth local, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(local);
        var deadline = Deadline(state, alpha);
        var phi = Phi(state, now);
        if (now < deadline)
        {
            return new Judgement(Liveness.Alive, phi, deadline);
        }

        // Everybody gets a whole promise and α after our own trouble has passed.
        var heardAgainBy = local.TrustedSince + state.Promise + alpha;
        return heardAgainBy > state.ArrivedAt + state.Promise + alpha && now < heardAgainBy
            ? new Judgement(Liveness.NotJudged, phi, heardAgainBy)
            : new Judgement(Liveness.Overdue, phi, deadline);
    }

    /// <summary>
    /// −log10 of the chance that every beat due by now is lost or late, each by itself, under the measured loss and lateness. Lateness is
    /// bounded by Cantelli's inequality, which holds for every distribution, so the true chance is not above the one shown.
    /// </summary>
    public static double Phi(DetectorState state, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        var due = ExpectedArrival(state);
        var loss = state.LossRate;
        var variance = Math.Max(LeastVarianceMs2, state.DelayVariance);
        var phi = 0.0;
        for (var beat = due; beat < now && phi < MaxPhi; beat += state.Promise)
        {
            var late = (now - beat).TotalMilliseconds;
            var chanceLate = variance / (variance + (late * late));
            phi -= Math.Log10(loss + ((1 - loss) * chanceLate));
        }

        return Math.Min(phi, MaxPhi);
    }
}
