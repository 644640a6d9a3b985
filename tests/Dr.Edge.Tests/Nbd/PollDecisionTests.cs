using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

public sealed class PollDecisionTests
{
    [Fact]
    public void A_client_that_waits_for_every_answer_is_looked_for_and_one_that_does_not_is_not()
    {
        var decision = default(PollDecision);
        for (var i = 1; i < PollDecision.SinglesToBegin; i++)
        {
            decision.IsWorthALook(1).ShouldBeFalse($"after {i} single requests");
        }

        decision.IsWorthALook(1).ShouldBeTrue();
        decision.Looked(found: true);
        decision.IsWorthALook(1).ShouldBeTrue();
        decision.IsWorthALook(2).ShouldBeFalse("several were under way: they are to gather");
        decision.IsWorthALook(1).ShouldBeFalse("the row begins again");
    }

    [Fact]
    public void Looks_in_vain_become_rare()
    {
        var decision = Begun();
        var looks = 0;
        for (var wait = 0; wait < 100_000; wait++)
        {
            if (decision.IsWorthALook(1))
            {
                looks++;
                decision.Looked(found: false);
            }
        }

        // One for each doubling, then one for every MostLeftOut waits.
        looks.ShouldBeInRange(2, 13 + (100_000 / PollDecision.MostLeftOut));
    }

    [Fact]
    public void A_client_that_became_quick_is_looked_for_at_every_wait_again()
    {
        var decision = Begun();
        for (var wait = 0; wait < 100; wait++)
        {
            if (decision.IsWorthALook(1))
            {
                decision.Looked(found: false);
            }
        }

        var leftOut = 0;
        for (var wait = 0; wait < 1000; wait++)
        {
            if (decision.IsWorthALook(1))
            {
                decision.Looked(found: true);
            }
            else
            {
                leftOut++;
            }
        }

        leftOut.ShouldBeLessThan(200);
        decision.IsWorthALook(1).ShouldBeTrue();
    }

    [Fact]
    public void A_look_ends_without_input_and_when_a_batch_came_there_is_none()
    {
        using var channel = new CountingChannel();
        var poll = default(InputPoll);
        for (var wait = 1; wait < 1000; wait++)
        {
            poll.Wait(channel, wait * 2);
        }

        channel.Looks.ShouldBe(0);
        for (var wait = 1; wait < PollDecision.SinglesToBegin * 2; wait++)
        {
            poll.Wait(channel, 2000 + wait);
        }

        // A machine with one processor leaves it to the client.
        (channel.Looks > 0).ShouldBe(Environment.ProcessorCount > 1);
    }

    private static PollDecision Begun()
    {
        var decision = default(PollDecision);
        for (var i = 1; i < PollDecision.SinglesToBegin; i++)
        {
            decision.IsWorthALook(1);
        }

        return decision;
    }

    /// <summary>Nothing ever comes in.</summary>
    private sealed class CountingChannel : INbdChannel
    {
        public string Peer => "nobody";

        public int Looks { get; private set; }

        public bool HasInput
        {
            get
            {
                Looks++;
                return false;
            }
        }

        public int Receive(Span<byte> destination) => INbdChannel.EndOfStream;

        public bool Send(ReadOnlySpan<byte> source) => true;

        public void StopReceiving()
        {
        }

        public void Abort()
        {
        }

        public void Dispose()
        {
        }
    }
}
