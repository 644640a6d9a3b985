using CsCheck;
using Dr.Contracts.Grains;
using Dr.Silo.WebConsole.Outlook;
using Dr.Silo.WebConsole.Text;
using static Dr.Silo.Tests.WebConsole.Views;

namespace Dr.Silo.Tests.WebConsole;

/// <summary>The sentence never says more than the views hold, whatever they hold.</summary>
public sealed class ReadinessProperties
{
    private static readonly Gen<bool?> Answers = Gen.OneOf(Gen.Const((bool?)true), Gen.Const((bool?)false), Gen.Const((bool?)null));
    private static readonly Gen<double?> Seconds = Gen.OneOf(Gen.Const((double?)null), Gen.Double[0, 4000].Select(s => (double?)s), Gen.Const((double?)0));

    private static readonly string[] Phases = Enum.GetNames<Phase>();
    private static readonly RunState?[] States = [null, RunState.Running, RunState.OnTrial, RunState.WaitingForApproval];

    private static readonly Gen<SystemView> Systems = Gen.Select(
        Answers, Answers, Seconds, Seconds, Gen.Int[0, Phases.Length - 1].Select(i => Phases[i]), Gen.Int[0, States.Length - 1].Select(i => States[i]), Gen.Bool)
        .Select((dataProtected, peerReady, loss, forecast, phase, run, complete) =>
        {
            Condition[] conditions = [Holds("DataProtected", dataProtected, "because of this"), Holds("PeerReady", peerReady, "because of that")];
            return Library("s", "S", loss, forecast, complete ? conditions : conditions[..1]) with { Phase = phase, LiveRun = run is { } state ? Run(state) : null };
        });

    [Fact]
    public void Everything_is_ready_only_when_every_condition_is_known_to_hold() => Systems.List[1, 5].Sample(systems =>
    {
        var answer = ReadinessSentence.Of(systems, Now);
        var all = systems.All(s => s.Conditions.Count == 2 && s.Conditions.All(c => c.Holds == true));
        answer.Verdict.StartsWith("Everything can be taken over now", StringComparison.Ordinal).ShouldBe(all);
    }, iter: 10_000);

    [Fact]
    public void Good_means_ready_with_known_loss_within_the_limit_and_nothing_under_way() => Systems.List[1, 5].Sample(systems =>
    {
        var answer = ReadinessSentence.Of(systems, Now);
        if (answer.Tone == Tone.Good)
        {
            answer.UnderWay.ShouldBeEmpty();
            systems.ShouldAllBe(s => s.Conditions.All(c => c.Holds == true) && s.PredictedLossSeconds <= s.LossLimitSeconds);
        }
    }, iter: 10_000);

    [Fact]
    public void What_is_not_known_is_named() => Systems.List[1, 5].Sample(systems =>
    {
        var answer = ReadinessSentence.Of(systems, Now);
        var possible = systems.Where(s => TakeoverOutlook.Of(s).Possible == true).ToList();
        (answer.Cost is null).ShouldBe(possible.Count == 0);
        (answer.Cost?.Contains("would be lost is not known", StringComparison.Ordinal) ?? false).ShouldBe(possible.Any(s => s.PredictedLossSeconds is null));
        (answer.Cost?.Contains("is not known before the first takeover", StringComparison.Ordinal) ?? false).ShouldBe(possible.Any(s => s.ForecastSeconds is null));
    }, iter: 10_000);

    [Fact]
    public void Every_part_is_whole_sentences() => Systems.List[0, 5].Sample(systems =>
    {
        var answer = ReadinessSentence.Of(systems, Now);
        foreach (var text in answer.UnderWay.Append(answer.Verdict).Concat(answer.Cost is { } cost ? [cost] : []))
        {
            text.ShouldEndWith(".");
            text.ShouldNotContain("..");
            text.ShouldNotContain("  ");
        }
    }, iter: 10_000);
}
