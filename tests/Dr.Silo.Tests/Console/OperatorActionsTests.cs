using Dr.Contracts.Grains;
using Dr.Silo.WebConsole.Actions;
using static Dr.Silo.Tests.WebConsole.Views;

namespace Dr.Silo.Tests.WebConsole;

public sealed class OperatorActionsTests
{
    [Fact]
    public void At_home_it_can_be_moved_or_failed_over() => Verbs(Library()).ShouldBe(["move", "failover", "hold", "force"]);

    [Fact]
    public void Away_it_can_be_brought_home_or_failed_over()
    {
        var away = Library() with { Site = Backup };
        Verbs(away).ShouldBe(["failback", "failover", "hold", "force"]);
        OperatorActions.For(away)[0].Question.ShouldBe("Bring DILAS home to production?");
    }

    [Theory]
    [InlineData(RunState.Running, "stop")]
    [InlineData(RunState.WaitingForApproval, "approve,decline,stop")]
    [InlineData(RunState.NeedsOperator, "approve,stop")]
    [InlineData(RunState.OnTrial, "commit,roll-back")]
    [InlineData(RunState.Done, "")]
    public void A_live_run_takes_only_decisions_about_itself(RunState state, string verbs) =>
        string.Join(',', Verbs(Library() with { LiveRun = Run(state) })).ShouldBe(verbs);

    [Fact]
    public void Starting_carries_the_epoch_that_is_shown()
    {
        foreach (var action in OperatorActions.For(Library()).Where(a => a.Kind is not null))
        {
            action.SeenEpoch.ShouldBe(new Dr.Contracts.Ids.Epoch(3));
            (action.Url, action.Kind).ShouldBe(("/api/v1/runs", action.Verb));
        }
    }

    [Fact]
    public void Deciding_names_the_run() => OperatorActions.For(Library() with { LiveRun = Run(RunState.OnTrial) })[0].Url.ShouldBe("/api/v1/runs/dilas-auto-1-e4/commit");

    [Fact]
    public void Only_the_verb_that_may_lose_data_asks_for_an_attestation_and_says_what_it_costs()
    {
        var actions = OperatorActions.For(Library());
        actions.Where(a => a.Attestation is not null).Select(a => a.Verb).ShouldBe(["failover", "force"]);
        actions.Single(a => a.Verb == "failover").Consequences.ShouldContain("About 0.4 s of work would be lost.");
        actions.Single(a => a.Verb == "move").Consequences[0].ShouldStartWith("Planned, loses nothing");
    }

    [Fact]
    public void Approving_says_the_loss_that_the_run_worked_out() =>
        OperatorActions.For(Library(loss: 2000) with { LiveRun = Run(RunState.WaitingForApproval) })[0].Consequences.ShouldContain("About 0.4 s of work would be lost.");

    [Fact]
    public void Force_carries_the_epoch_and_asks_for_a_statement_and_a_run_that_has_its_proof_offers_it_no_more()
    {
        var force = OperatorActions.For(Library()).Single(a => a.Verb == "force");
        (force.Url, force.SeenEpoch?.Value).ShouldBe(("/api/v1/systems/dilas/force", 3));
        force.Statement.ShouldNotBeNullOrEmpty();

        var unproven = Run(RunState.NeedsOperator) with { Facts = new Dictionary<string, string>() };
        Verbs(Library() with { LiveRun = unproven }).ShouldBe(["force", "approve", "stop"]);
        Verbs(Library() with { LiveRun = unproven with { Facts = new Dictionary<string, string> { ["fencingProof"] = "LeaseLapsed" } } }).ShouldBe(["approve", "stop"]);
    }

    [Fact]
    public void A_held_system_is_only_released_and_a_hold_always_has_an_end()
    {
        Verbs(Library() with { Phase = "Held" }).ShouldBe(["release"]);
        OperatorActions.For(Library()).Single(a => a.Verb == "hold").Duration.ShouldBe("1h");
        Verbs(Library() with { Phase = "Diverged" }).ShouldBe(["resolve", "hold"]);
    }

    private static IEnumerable<string> Verbs(SystemView system) => OperatorActions.For(system).Select(a => a.Verb);
}
