using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Detection;
using Dr.Simulator.World;

namespace Dr.Simulator.Tests.Detection;

/// <summary>How often a living device is silent for so long that φ has reached a level, among all its silences.</summary>
internal static class PhiTrial
{
    private static readonly double[] Levels = [0.3, 0.6, 1, 1.5, 2, 2.5];

    public static IReadOnlyList<(double Phi, double Share)> Run(double loss, double delayMs, double deviationMs, TimeSpan period, int beats, ulong seed)
    {
        var chance = new Chance(seed);
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        DetectorState? state = null;
        var reached = Levels.ToDictionary(l => l, _ => 0);
        var silences = 0;
        var arrived = start;
        for (var i = 1; i <= beats; i++)
        {
            if (chance.Hits(loss))
            {
                continue;
            }

            var sent = start + (period * i);
            var at = sent.AddMilliseconds(delayMs - deviationMs + chance.Exponential(deviationMs));
            if (at < arrived)
            {
                continue; // Overtaken: it says nothing any more.
            }

            arrived = at;
            if (state is not null && i > 100)
            {
                silences++;
                var phi = FailureDetector.Phi(state, at);
                foreach (var level in Levels.Where(l => phi >= l))
                {
                    reached[level]++;
                }
            }

            state = FailureDetector.Heard(state, new Beat { Sequence = i, BootId = "b", DeviceEpoch = 1, NextDueMs = (int)period.TotalMilliseconds, HourClass = HourClass.Busy, SentAt = sent }, at);
        }

        return [.. Levels.Where(l => reached[l] >= 20).Select(l => (l, (double)reached[l] / silences))];
    }
}
