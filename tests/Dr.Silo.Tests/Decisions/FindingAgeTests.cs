using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions;

/// <summary>Every way into a takeover that nobody agreed to goes through a finding of this moment; an older one is only a reason to ask about the owner once more.</summary>
public sealed class FindingAgeTests
{
    private static readonly SiteId Home = new("production");
    private static readonly SiteId Peer = new("backup");
    private static readonly DateTimeOffset Start = new(2026, 1, 6, 10, 0, 0, TimeSpan.Zero);

    private static readonly Verdict Lost = new() { Scope = FaultScope.Device, Evidence = EvidenceKinds.MissedBeats | EvidenceKinds.Witnesses, At = Start };

    private SystemState _state = SystemState.New(new SystemId("opac"), new TakeoverRules { Home = Home, Peer = Peer, Approval = ApprovalMode.Automatic }, new Ownership(Epoch.First, Home), Start) with { Phase = Phase.Protected };

    [Theory]
    [InlineData(5, true)]
    [InlineData(6, false)]
    public void What_is_looked_up_late_after_a_finding_asks_about_the_owner_once_more(int second, bool begins)
    {
        Apply(new SystemEvent.Classified(Lost), 0).ShouldContain(e => e is SystemEffect.AssessTakeover);
        Begins(Assessed(), second, begins);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public void What_it_waited_for_comes_later(bool approved, bool begins)
    {
        Apply(new SystemEvent.Classified(Lost), 0);
        Apply(Assessed(ready: false), 1);
        if (approved)
        {
            Apply(new SystemEvent.Approve("li", _state.Run!.Id, null), 2);
        }

        Begins(Assessed(), 31, begins);
    }

    [Fact]
    public void The_end_of_a_block_period_is_seen_by_the_look_of_every_two_minutes()
    {
        _state = _state with { LastAutomaticAt = Start.AddSeconds(-3_500) };
        Apply(new SystemEvent.Classified(Lost), 0);
        Apply(Assessed(), 1).ShouldNotContain(e => e is SystemEffect.StopLeases, "another one was just now");
        Apply(new SystemEvent.Classified(Lost with { At = Start.AddSeconds(86) }), 86);
        Apply(new SystemEvent.TimePassed(), 121).ShouldContain(e => e is SystemEffect.AssessTakeover);
        Begins(Assessed(), 121, begins: false);
    }

    [Fact]
    public void A_finding_that_comes_late_is_none_of_this_moment()
    {
        _state = _state with { Phase = Phase.Suspect, ReturnTo = Phase.Protected };
        Apply(new SystemEvent.Classified(Lost with { Scope = FaultScope.Unclear }), 0);
        Apply(Assessed(), 1);
        Begins(new SystemEvent.Classified(Lost), 20, begins: false);
    }

    [Fact]
    public void A_run_that_an_older_version_began_says_nothing_of_when_it_was_found()
    {
        Apply(new SystemEvent.Classified(Lost with { At = default }), 0);
        Begins(Assessed(), 1, begins: false);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void An_owner_that_is_heard_keeps_its_own_word_true(bool heard, bool begins)
    {
        Apply(new SystemEvent.LocalRepairExhausted("nothing helps"), 0);
        Begins(Assessed(heard: heard), 60, begins);
    }

    [Fact]
    public void An_owner_that_is_heard_again_is_lost_no_more_until_it_was_asked()
    {
        Apply(new SystemEvent.Classified(Lost), 0);
        Apply(Assessed(ready: false), 1);
        Begins(Assessed(heard: true), 60, begins: false);
    }

    /// <summary>It begins, or the owner is asked about once more and what is found then decides.</summary>
    private void Begins(SystemEvent evt, int second, bool begins)
    {
        var effects = Apply(evt, second);
        effects.Any(e => e is SystemEffect.StopLeases).ShouldBe(begins);
        effects.Any(e => e is SystemEffect.ProbeOwner).ShouldBe(!begins);
        if (!begins)
        {
            Apply(new SystemEvent.Classified(Lost with { At = Start.AddSeconds(second + 5) }), second + 5).ShouldContain(e => e is SystemEffect.StopLeases);
        }

        _state.Phase.ShouldBe(Phase.Fencing);
    }

    private IReadOnlyList<SystemEffect> Apply(SystemEvent evt, int second)
    {
        var transition = FailoverMachine.Apply(_state, evt, Start.AddSeconds(second));
        _state = transition.Next;
        return transition.Effects;
    }

    private SystemEvent.TakeoverAssessed Assessed(bool ready = true, bool heard = false) => new(_state.Run!.Id, new Assessment
    {
        Loss = new PredictedLoss { Age = TimeSpan.Zero, Basis = "none" }, PeerReady = ready, OwnerHeard = heard, At = Start,
    });
}
