using CsCheck;
using Dr.Edge.Replication.Line.Bandwidth;

namespace Dr.Edge.Tests.Replication.Line;

/// <summary>Laws of the shared bucket over generated flows, rates and times.</summary>
public class FairBucketProperties
{
    private const int Flows = 5;

    // From 64 kbit/s to a gigabit.
    private static readonly Gen<double> Rate = Gen.Double[Math.Log(8_000), Math.Log(125_000_000)].Select(Math.Exp);

    private enum Act
    {
        Ask,
        Withdraw,
        Pass,
        First,
        Rate,
    }

    private static readonly Gen<(Act Act, int Flow, double Size)[]> History =
        Gen.Select(Gen.Enum<Act>(), Gen.Int[0, Flows - 1], Gen.Double[0, 1]).Array[1, 60];

    [Fact]
    public void What_is_granted_never_exceeds_the_rate_and_a_burst_and_no_more_than_a_slice_lies_unused() =>
        Gen.Select(Rate, History).Sample(
            (rate, history) =>
            {
                var bucket = new FairBucket(rate);
                var flows = Enumerable.Range(0, Flows).Select(_ => new FairFlow()).ToArray();
                var (now, allowed, burst) = (TimeSpan.Zero, 0.0, bucket.Burst);
                foreach (var (act, which, size) in history)
                {
                    var flow = flows[which];
                    switch (act)
                    {
                        case Act.Ask when !flow.IsWaiting:
                            bucket.Ask(flow, 1 + (long)(size * 1_000_000));
                            break;
                        case Act.Withdraw:
                            bucket.Withdraw(flow);
                            break;
                        case Act.Pass:
                            now += TimeSpan.FromSeconds(size);
                            allowed += TimeSpan.FromSeconds(size).TotalSeconds * rate;
                            break;
                        case Act.First:
                            bucket.SetFirst(flow, size > 0.5);
                            break;
                        case Act.Rate:
                            rate = 8_000 + (size * 10_000_000);
                            bucket.SetRate(rate, now);
                            burst = Math.Max(burst, bucket.Burst);
                            break;
                        default:
                            break;
                    }

                    var wait = bucket.Serve(now, []);
                    bucket.GrantedBytes.ShouldBeLessThanOrEqualTo((long)(allowed + burst + history.Length));
                    (wait is not null).ShouldBe(bucket.Waiting > 0);
                    (wait?.TotalSeconds ?? 0).ShouldBeLessThanOrEqualTo((bucket.Slice / rate) + 1e-5, "somebody waits although a slice is there");
                }
            },
            iter: 10_000);

    [Fact]
    public void Flows_that_always_want_more_get_the_same_and_whoever_wants_less_gets_all_it_wants() =>
        Gen.Select(Rate, Gen.Int[1, 400_000].Array[2, Flows], Gen.Int[0, Flows - 1]).Sample(
            (rate, messages, modest) =>
            {
                var bucket = new FairBucket(rate);
                var flows = messages.Select(_ => new FairFlow()).ToArray();
                var had = new long[flows.Length];
                void AskAgain(int i)
                {
                    had[i] += flows[i].Asked;
                    bucket.Ask(flows[i], messages[i]);
                }

                for (var i = 0; i < flows.Length; i++)
                {
                    bucket.Ask(flows[i], messages[i]);
                }

                // Time goes by as far as each of them needs for several messages.
                var (now, end) = (TimeSpan.Zero, TimeSpan.FromSeconds(messages.Max() * 6.0 * flows.Length / rate));
                var done = new List<FairFlow>();
                while (now < end)
                {
                    done.Clear();
                    var wait = bucket.Serve(now, done);
                    foreach (var flow in done)
                    {
                        AskAgain(Array.IndexOf(flows, flow));
                    }

                    now += done.Count > 0 ? TimeSpan.Zero : wait!.Value + TimeSpan.FromTicks(1);
                    if (done.Count > 0 && messages.Max() < 50)
                    {
                        now += TimeSpan.FromMilliseconds(1);
                    }
                }

                var served = flows.Select((f, i) => had[i] + f.Asked - f.Left).ToArray();
                (served.Max() - served.Min()).ShouldBeLessThanOrEqualTo((2 * (bucket.Slice + bucket.Credit)) + (long)bucket.Burst, "flows that all want more");
                served.Sum().ShouldBeGreaterThanOrEqualTo((long)((now.TotalSeconds * rate) - (2 * bucket.Slice) - (messages.Max() < 50 ? now.TotalSeconds * rate : 0)), "nothing of the rate is left unused");
            },
            iter: 300);

    [Fact]
    public void What_goes_first_is_served_alone_until_it_has_all_and_owes_the_others_nothing_afterwards() =>
        Gen.Select(Rate, Gen.Int[1, 2_000_000], Gen.Int[1, 300_000]).Sample(
            (rate, urgent, ordinary) =>
            {
                var bucket = new FairBucket(rate);
                var (first, other) = (new FairFlow { First = true }, new FairFlow());
                bucket.Ask(other, ordinary + bucket.Slice + (long)bucket.Burst);
                bucket.Serve(TimeSpan.Zero, []);
                var before = other.Left;
                bucket.Ask(first, urgent);
                var now = TimeSpan.Zero;
                while (bucket.Serve(now, []) is { } wait && first.IsWaiting)
                {
                    other.Left.ShouldBe(before, "a scheduled copy was served while a takeover waited");
                    now += wait;
                }

                // As one among others again it is at most the credit behind.
                bucket.SetFirst(first, false);
                bucket.Ask(first, 1_000_000);
                (first.Had - other.Had).ShouldBeLessThanOrEqualTo(bucket.Credit + bucket.Slice + (long)bucket.Burst);
            },
            iter: 2_000);

    [Fact]
    public void Without_a_limit_nothing_waits_and_a_new_one_holds_at_once_for_whoever_waits()
    {
        var bucket = new FairBucket(null);
        var flow = new FairFlow();
        bucket.Ask(flow, 1L << 40);
        bucket.Serve(TimeSpan.Zero, []).ShouldBeNull();

        bucket.SetRate(1_000_000, TimeSpan.FromSeconds(1));
        bucket.Ask(flow, 1_100_000);
        bucket.Serve(TimeSpan.FromSeconds(1), []).ShouldNotBeNull();
        flow.Left.ShouldBe(1_000_000);
        bucket.SetRate(null, TimeSpan.FromSeconds(1));
        bucket.Serve(TimeSpan.FromSeconds(1), []).ShouldBeNull();
        flow.IsWaiting.ShouldBeFalse();
    }
}
