using System.Runtime.CompilerServices;
using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions;

public sealed class FailoverTableTests
{
    [Fact]
    public void Every_phase_has_a_way_out_and_one_that_time_alone_opens()
    {
        foreach (var phase in Enum.GetValues<Phase>())
        {
            var rows = FailoverTable.Rows.Where(r => r.From == phase).ToArray();
            rows.ShouldContain(r => r.Targets.Any(t => t != phase), $"{phase} has no exit");
            rows.ShouldContain(r => r.On == typeof(SystemEvent.TimePassed), $"{phase} can last for ever without anybody being told");
            Budgets.Of(phase).ShouldBeGreaterThan(TimeSpan.Zero);
        }
    }

    [Fact]
    public void Every_phase_can_be_entered()
    {
        var entered = FailoverTable.Rows.SelectMany(r => r.Targets).Append(Phase.Unprotected).ToHashSet();
        Enum.GetValues<Phase>().Where(p => !entered.Contains(p)).ShouldBeEmpty();
    }

    [Fact]
    public void Every_step_has_an_executor()
    {
        foreach (var step in Enum.GetValues<StepKind>())
        {
            Enum.IsDefined(SystemEffect.RunStep.ExecutorOf(step)).ShouldBeTrue();
        }
    }

    [Fact]
    public void Every_event_and_every_effect_is_used_by_the_table()
    {
        var events = typeof(SystemEvent).GetNestedTypes().Where(t => !t.IsAbstract).ToArray();
        events.Except(FailoverTable.Rows.Select(r => r.On)).ShouldBeEmpty();
        events.Length.ShouldBeGreaterThan(20);
    }

    [Fact]
    public void The_document_beside_the_table_says_what_the_table_says()
    {
        var file = Path.Combine(Path.GetDirectoryName(Here())!, "../../../Dr.Silo/Decisions/failover-machine.md");
        var expected = FailoverDiagram.Markdown();
        if (Environment.GetEnvironmentVariable("DR_UPDATE_DOCUMENTS") == "1")
        {
            File.WriteAllText(file, expected);
        }

        File.ReadAllText(file).ShouldBe(expected, "run this test once with DR_UPDATE_DOCUMENTS=1");
    }

    private static string Here([CallerFilePath] string file = "") => file;
}
