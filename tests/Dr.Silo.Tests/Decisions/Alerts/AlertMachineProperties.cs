using CsCheck;
using Dr.Silo.Decisions.Alerts;

namespace Dr.Silo.Tests.Decisions.Alerts;

/// <summary>Laws of the alert machine over random values, kinds, causes and paces.</summary>
public sealed class AlertMachineProperties
{
    private const long Cases = 10_000;
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly AlertKind[] Kinds = Enum.GetValues<AlertKind>();

    /// <summary>One value relative to the rule's thresholds, so that every band about them is met often.</summary>
    private static readonly string[] Everything = [.. Kinds.Select(k => AlertSample.KeyOf(k, "system:dilas"))];

    private static readonly double[] Bands = [0, 0.5, 0.88, 0.95, 1.01, 2.0, 40.0];

    private static readonly int[] Paces = [5, 20, 61, 700, 50_000];

    private static readonly Gen<(int Kind, double[] Values, int Pace)> OneAlert = Gen.Select(Gen.Int[0, Kinds.Length - 1], Gen.Int[0, Bands.Length - 1].Select(i => Bands[i]).Array[1, 20], Gen.Int[0, Paces.Length - 1].Select(i => Paces[i]));

    /// <summary>Rounds of several kinds about one subject, each explained by all the others.</summary>
    private static readonly Gen<bool[][]> Rounds = Gen.Bool.Array[Kinds.Length].Array[1, 6];

    [Fact]
    public void A_level_foundheld_only_by_values_that_exceeded_its_threshold_for_its_time_and_left_only_after_calm() => OneAlert.Sample(
        (at, values, pace) =>
        {
            var rule = AlertRules.Of(Kinds[at]);
            var board = AlertBoard.Empty;
            var expected = new Oracle(rule);
            for (var i = 0; i < values.Length; i++)
            {
                var now = Start.AddSeconds((double)i * pace);
                var value = values[i] * (double.IsInfinity(rule.Warning) || i % 2 == 0 ? rule.Critical : rule.Warning);
                board = AlertMachine.Step(board, value == 0 ? [] : [Sample(rule.Kind, value)], now).Board;
                var (found, should) = (board.Alerts.Values.SingleOrDefault()?.Level ?? AlertLevel.None, expected.Next(value, now));
                Require(found == should, $"round {i}: {found} instead of {should}");
            }
        },
        iter: Cases);

    [Fact]
    public void Of_what_explains_each_other_one_foundtold_and_it_has_the_worst_level() => Rounds.Sample(
        rounds =>
        {
            var board = AlertBoard.Empty;
            for (var i = 0; i < rounds.Length; i++)
            {
                var step = AlertMachine.Step(board, Samples(rounds[i]), Start.AddMinutes(20 * i));
                board = step.Board;
                var firing = board.Alerts.Values.Where(a => a.IsFiring).ToList();
                var roots = firing.Where(a => a.IsRoot).ToList();
                Require(roots.Count == (firing.Count == 0 ? 0 : 1), "one root");
                Require(firing.All(a => a.IsRoot || roots[0].Key == a.Cause), "all are folded into it");
                Require(roots.All(root => root.GroupLevel == firing.Max(a => a.Level) && root.Kind == firing.Min(a => a.Kind)), "the root is the earliest kind and has the worst level");
                Require(step.Notices.All(n => n.Kind is AlertNoticeKind.Cleared || n.Alert.Key == roots[0].Key), "only the root is told");
                Require(step.Notices.Select(n => n.Id).Distinct().Count() == step.Notices.Count, "each notice has an id of its own");
            }
        },
        iter: Cases);

    [Fact]
    public void The_same_round_again_tells_nothing_and_the_order_of_samples_means_nothing() => Rounds.Sample(
        rounds =>
        {
            var board = AlertBoard.Empty;
            for (var i = 0; i < rounds.Length; i++)
            {
                var now = Start.AddMinutes(20 * i);
                var samples = Samples(rounds[i]);
                var step = AlertMachine.Step(board, samples, now);
                var turned = AlertMachine.Step(board, [.. samples.AsEnumerable().Reverse()], now);
                Require(turned.Board.Alerts.SequenceEqual(step.Board.Alerts) && turned.Notices.SequenceEqual(step.Notices), "the order means nothing");
                Require(AlertMachine.Step(step.Board, samples, now).Notices.Count == 0, "the same again tells nothing");
                board = step.Board;
            }
        },
        iter: Cases);

    [Fact]
    public void What_was_told_foundtold_to_be_over_once_and_after_a_day_of_calm_nothing_foundleft() => Rounds.Sample(
        rounds =>
        {
            var board = AlertBoard.Empty;
            var open = new HashSet<string>(StringComparer.Ordinal);
            for (var i = 0; i < rounds.Length + 3; i++)
            {
                var step = AlertMachine.Step(board, i < rounds.Length ? Samples(rounds[i]) : [], Start.AddMinutes(i < rounds.Length ? 20 * i : (20 * i) + (1440 * (i - rounds.Length + 1))));
                board = step.Board;
                foreach (var notice in step.Notices)
                {
                    if (notice.Kind == AlertNoticeKind.Cleared)
                    {
                        Require(open.Remove(notice.Alert.Id), $"{notice.Alert.Id} was never told, or is over twice");
                    }
                    else
                    {
                        open.Add(notice.Alert.Id);
                    }
                }
            }

            Require(board.Alerts.IsEmpty && open.Count == 0, "nothing is left");
        },
        iter: Cases);

    // Assertions of the library build a message, and some compile an expression, on each of the many million calls.
    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException(what);
        }
    }

    private static AlertSample Sample(AlertKind kind, double value) => new() { Kind = kind, Subject = "system:dilas", Value = value, Text = "test" };

    private static List<AlertSample> Samples(bool[] there) =>
        [.. Kinds.Where((_, i) => there[i]).Select(kind => Sample(kind, 1_000) with { Causes = Everything })];

    /// <summary>The rule said another way: by looking back over everything that was, each time.</summary>
    private sealed class Oracle(AlertRule rule)
    {
        private readonly List<(DateTimeOffset At, double Value)> _past = [];
        private AlertLevel _level;

        private int _calmFrom;

        public AlertLevel Next(double value, DateTimeOffset now)
        {
            _past.Add((now, value));
            var reached = Exceeded(rule.Critical, rule.CriticalFor, now) ? AlertLevel.Critical : Exceeded(rule.Warning, rule.WarningFor, now) ? AlertLevel.Warning : AlertLevel.None;
            if (reached >= _level)
            {
                (_level, _calmFrom) = (reached, _past.Count);
                return _level;
            }

            if (Band(value) >= _level)
            {
                _calmFrom = _past.Count;
            }
            else if (now - _past[_calmFrom].At >= rule.ClearFor)
            {
                (_level, _calmFrom) = ((AlertLevel)Math.Max((int)Band(value), (int)reached), _past.Count);
            }

            return _level;
        }

        private AlertLevel Band(double value) => value > 0.9 * rule.Critical ? AlertLevel.Critical : value > 0.9 * rule.Warning ? AlertLevel.Warning : AlertLevel.None;

        private bool Exceeded(double threshold, TimeSpan time, DateTimeOffset now)
        {
            var unbroken = _past.AsEnumerable().Reverse().TakeWhile(p => p.Value > threshold).ToList();
            return unbroken.Count > 0 && now - unbroken[^1].At >= time;
        }
    }
}
