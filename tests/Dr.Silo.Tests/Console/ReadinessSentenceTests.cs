using Dr.Contracts.Grains;
using Dr.Silo.WebConsole.Outlook;
using Dr.Silo.WebConsole.Text;
using static Dr.Silo.Tests.WebConsole.Views;

namespace Dr.Silo.Tests.WebConsole;

public sealed class ReadinessSentenceTests
{
    private static Readiness Of(params SystemView[] systems) => ReadinessSentence.Of(systems, Now);

    [Fact]
    public void One_ready_system_says_where_to_and_what_it_costs()
    {
        var answer = Of(Library());
        answer.ToString().ShouldBe("Everything can be taken over now: DILAS by backup. About 0.4 s of work would be lost. It would take about 12 s.");
        answer.Tone.ShouldBe(Tone.Good);
    }

    [Fact]
    public void A_name_that_would_crowd_the_sentence_gives_way_to_the_id() =>
        Of(Library(name: "DILAS integrated library system")).Verdict.ShouldBe("Everything can be taken over now: dilas by backup.");

    [Fact]
    public void Two_systems_are_both() => Of(Library(), Library("opac", "OPAC")).Verdict.ShouldBe("Everything can be taken over now: both systems.");

    [Fact]
    public void Nothing_at_all_is_said_plainly() =>
        Of(Library(conditions: [Holds("DataProtected"), Holds("PeerReady", false, "silent")]), Library("opac", "OPAC", conditions: [Holds("DataProtected"), Holds("PeerReady", null, "not heard")])).Verdict
            .ShouldBe("Nothing is sure to be taken over now. DILAS cannot be taken over now: silent. It is not known whether OPAC can be taken over now: not heard.");

    [Fact]
    public void A_synchronous_copy_loses_nothing() => Of(Library(loss: 0)).Cost!.ShouldStartWith("No work would be lost.");

    [Fact]
    public void Several_systems_name_the_worst_loss_and_the_slowest() =>
        Of(Library(), Library("opac", "OPAC", loss: 4, forecast: 20), Library("vpn", "VPN", loss: 0, forecast: 2)).ToString()
            .ShouldBe("Everything can be taken over now: all 3 systems. About 4.0 s of work would be lost at worst, by OPAC. It would take about 20 s for the slowest, OPAC.");

    [Fact]
    public void One_system_that_cannot_turns_the_answer_to_no()
    {
        var answer = Of(Library(), Library("opac", "OPAC", conditions: [Holds("DataProtected", false, "the first copy is 40 % there"), Holds("PeerReady")]));
        answer.Verdict.ShouldBe("Only 1 of 2 systems can be taken over now. OPAC cannot be taken over now: the first copy is 40 % there.");
        answer.Cost.ShouldNotBeNull().ShouldContain("0.4 s");
        answer.Tone.ShouldBe(Tone.Bad);
    }

    [Fact]
    public void Nothing_that_can_be_taken_over_has_no_cost()
    {
        var answer = Of(Library(conditions: [Holds("DataProtected"), Holds("PeerReady", false, "back-1 is silent")]));
        answer.Verdict.ShouldBe("DILAS cannot be taken over now: back-1 is silent.");
        answer.Cost.ShouldBeNull();
    }

    [Theory]
    [InlineData("DataProtected")]
    [InlineData("PeerReady")]
    public void What_is_not_known_is_never_called_ready(string unknown)
    {
        var conditions = new[] { "DataProtected", "PeerReady" }.Select(kind => Holds(kind, kind == unknown ? null : true, "not heard yet")).ToArray();
        var answer = Of(Library(conditions: conditions));
        answer.Verdict.ShouldBe("It is not known whether DILAS can be taken over now: not heard yet.");
        answer.Tone.ShouldBe(Tone.Warning);
        answer.Cost.ShouldBeNull();
    }

    [Theory]
    [InlineData("DataProtected")]
    [InlineData("PeerReady")]
    public void A_condition_that_is_missing_is_not_known(string missing)
    {
        var conditions = new[] { "Serving", "DataProtected", "PeerReady" }.Where(kind => kind != missing).Select(kind => Holds(kind)).ToArray();
        TakeoverOutlook.Of(Library(conditions: conditions)).Possible.ShouldBeNull();
    }

    [Fact]
    public void The_phase_alone_never_makes_a_system_ready() =>
        TakeoverOutlook.Of(Library(conditions: [Holds("DataProtected", false, "diverged"), Holds("PeerReady")]) with { Phase = "Protected" }).Possible.ShouldBe(false);

    [Fact]
    public void A_system_without_data_needs_no_copy()
    {
        var answer = Of(Library(loss: null, conditions: [Holds("PeerReady")]) with { Volume = null, Class = TakeoverClass.R });
        answer.Verdict.ShouldStartWith("Everything can be taken over now");
        answer.Cost!.ShouldStartWith("No work would be lost.");
    }

    [Fact]
    public void Unknown_loss_and_time_are_said_to_be_unknown()
    {
        var answer = Of(Library(loss: null, forecast: null));
        answer.Cost.ShouldBe("How much work would be lost is not known. How long it would take is not known before the first takeover.");
        answer.Tone.ShouldBe(Tone.Warning);
    }

    [Fact]
    public void Loss_above_the_limit_says_that_a_person_must_agree()
    {
        var answer = Of(Library(loss: 720));
        answer.Cost!.ShouldStartWith("About 12 min of work would be lost; that is above the limit of 5 min, so a person must agree.");
        answer.Tone.ShouldBe(Tone.Warning);
    }

    [Fact]
    public void Loss_at_the_limit_needs_nobody() => Of(Library(loss: 300)).Tone.ShouldBe(Tone.Good);

    [Fact]
    public void No_system_is_no_protection() => Of().ToString().ShouldBe("No system is configured, so nothing is protected.");

    [Fact]
    public void After_a_takeover_the_way_home_is_what_counts() =>
        Of(Library() with { Site = Backup, Phase = "FailbackReady" }).Verdict.ShouldBe("Everything can be taken over now: DILAS by production.");

    [Fact]
    public void A_live_run_comes_first_with_its_step()
    {
        var answer = Of(Library(conditions: [Holds("DataProtected", false, "being taken over"), Holds("PeerReady")]) with
        {
            Phase = "Fencing", Step = "waiting until the lease of production has lapsed", LiveRun = Run(RunState.Running),
        });
        answer.UnderWay.ShouldBe(["The failover of DILAS to backup is under way: waiting until the lease of production has lapsed."]);
        answer.Verdict.ShouldBe("DILAS can be taken over again only after the failover that is under way.");
    }

    [Fact]
    public void The_step_is_said_as_the_journal_says_it() =>
        Of(Library() with { Phase = "Promoting", Step = "PromoteCopy at backup", LiveRun = Run(RunState.Running, Step("DemoteCopy", StepState.Done, "Shut the gate."), Step("PromoteCopy", StepState.Intended, "Make the copy at backup the primary.")) })
            .UnderWay.ShouldBe(["The failover of DILAS to backup is under way: make the copy at backup the primary."]);

    [Theory]
    [InlineData(RunKind.Move, Tone.Busy)]
    [InlineData(RunKind.Failback, Tone.Busy)]
    [InlineData(RunKind.Failover, Tone.Bad)]
    public void A_planned_run_is_no_trouble_a_failover_is(RunKind kind, Tone tone) =>
        Of(Library(conditions: [Holds("DataProtected", false, "no copy yet"), Holds("PeerReady")]) with { LiveRun = Run(RunState.Running) with { Kind = kind } }).Tone.ShouldBe(tone);

    [Fact]
    public void Whoever_is_waited_for_hears_it_first()
    {
        var waiting = Library("opac", "OPAC") with { Phase = "Deciding", LiveRun = Run(RunState.WaitingForApproval), Until = Now.AddMinutes(9) };
        var running = Library() with { Phase = "Promoting", LiveRun = Run(RunState.Running) };
        var answer = Of(running, waiting);
        answer.UnderWay[0].ShouldBe("A person is needed: the failover of OPAC to backup waits for approval; its time is up in 9 min.");
        answer.UnderWay.Count.ShouldBe(2);
        answer.Tone.ShouldBe(Tone.Bad);
    }

    [Fact]
    public void A_trial_says_when_it_ends()
    {
        var answer = Of(Library() with { Site = Backup, Phase = "OnTrial", LiveRun = Run(RunState.OnTrial), Until = Now.AddMinutes(28) });
        answer.UnderWay.ShouldBe(["DILAS serves at backup on trial; it commits by itself in 28 min."]);
    }

    [Fact]
    public void A_run_that_stopped_says_that_a_person_is_needed_and_why()
    {
        var answer = Of(Library() with { Phase = "NeedsOperator", Reason = "No attempt is left. StartSystem at backup: fsck found errors", LiveRun = Run(RunState.NeedsOperator) });
        answer.UnderWay.ShouldBe(["A person is needed: the failover of DILAS to backup has stopped: No attempt is left. StartSystem at backup: fsck found errors."]);
    }

    [Theory]
    [InlineData("NeedsOperator")]
    [InlineData("Diverged")]
    public void A_system_that_waits_for_a_person_is_bad_even_without_a_run(string phase)
    {
        var answer = Of(Library() with { Phase = phase, Reason = "Both copies went on from 41000" });
        answer.UnderWay.ShouldBe(["A person is needed for DILAS: Both copies went on from 41000."]);
        answer.Tone.ShouldBe(Tone.Bad);
    }
}
