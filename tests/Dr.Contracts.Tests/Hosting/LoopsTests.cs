using Dr.Contracts.Errors;
using Dr.Contracts.Hosting;

namespace Dr.Contracts.Tests.Hosting;

public sealed class LoopsTests
{
    [Fact]
    public async Task One_loop_that_fails_is_heard_of_while_the_others_go_on()
    {
        var goesOn = new TaskCompletionSource();
        var all = Loops.AllOrFirstFailureAsync([goesOn.Task, Task.FromException(new NotSupportedException("a fault")), Task.CompletedTask]);
        (await Should.ThrowAsync<NotSupportedException>(() => all.WaitAsync(TimeSpan.FromSeconds(10)))).Message.ShouldBe("a fault");
        goesOn.SetResult();
    }

    [Fact]
    public async Task Without_a_failure_all_are_waited_for()
    {
        var last = new TaskCompletionSource();
        var all = Loops.AllOrFirstFailureAsync([Task.CompletedTask, last.Task]);
        all.IsCompleted.ShouldBeFalse();
        last.SetResult();
        await all.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public void A_broken_invariant_is_not_gone_on_after()
    {
        new InvalidOperationException().MayPass().ShouldBeTrue();
        new DrException("x").MayPass().ShouldBeTrue();
        new InvariantException("x").MayPass().ShouldBeFalse();
    }
}
