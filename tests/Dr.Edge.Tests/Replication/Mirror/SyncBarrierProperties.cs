using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Tests.Volumes;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Mirror;

/// <summary>Random copies that come, go, confirm and lose, against a plain account of what each has confirmed: nobody is let go too early, nobody is forgotten, nobody is woken twice.</summary>
public sealed class SyncBarrierProperties
{
    private const int Cases = 10_000;
    private const int StepsEach = 25;
    private const int MostPosition = 40;

    [Fact]
    public void A_waiter_is_woken_once_as_soon_as_every_copy_confirms_what_it_waits_for()
    {
        using var store = new StoreFixture();
        var volume = store.Set.Create("v", 1 << 20);
        for (var seed = 0; seed < Cases; seed++)
        {
            Case(volume, new Random(seed), $"seed {seed}");
        }
    }

    private static void Case(Volume volume, Random random, string seed)
    {
        var barrier = new SyncBarrier(volume, TimeProvider.System);
        string[] names = ["a", "b"];
        var copies = new Dictionary<string, Copy>();
        CountingWaiter[] waiters = [.. Enumerable.Range(0, 3).Select(_ => new CountingWaiter())];
        var pushes = 0;
        for (var step = 0; step < StepsEach; step++)
        {
            var name = names[random.Next(names.Length)];
            switch (random.Next(8))
            {
                case 0:
                    var ack = random.Next(2) == 0 ? MirrorAck.Applied : MirrorAck.Durable;
                    var durable = random.Next(MostPosition);
                    copies[name] = new Copy(ack, durable, durable);
                    barrier.Engage(name, new SequenceNumber(durable), ack, _ => { }, () => pushes++);
                    break;
                case 1:
                    copies.Remove(name);
                    barrier.Disengage(name);
                    break;
                case 2 or 3 or 4:
                    var (applied, onDisk) = (random.Next(MostPosition), random.Next(MostPosition));
                    if (copies.TryGetValue(name, out var copy))
                    {
                        copies[name] = copy with { Applied = Math.Max(copy.Applied, applied), Durable = Math.Max(copy.Durable, onDisk) };
                    }

                    barrier.Acknowledged(name, new SequenceNumber(applied), new SequenceNumber(onDisk));
                    break;
                case 5:
                    var forgotten = waiters[random.Next(waiters.Length)];
                    barrier.Forget(forgotten);
                    forgotten.Waits = null;
                    break;
                default:
                    var ticket = new WriteTicket(new SequenceNumber(random.Next(1, MostPosition)), new SequenceNumber(random.Next(2) == 0 ? 0 : random.Next(MostPosition)));
                    var before = pushes;
                    barrier.Begin(ticket);
                    (pushes - before).ShouldBe(copies.Count, $"{seed}: each copy is sent what there is");
                    var waiter = waiters[random.Next(waiters.Length)];
                    var mustWait = !Covers(copies, ticket);
                    barrier.Await(ticket, waiter).ShouldBe(mustWait, $"{seed}, step {step}");
                    barrier.IsConfirmed(ticket).ShouldBe(!mustWait, $"{seed}, step {step}");
                    waiter.Waits = mustWait ? ticket : waiter.Waits;
                    break;
            }

            foreach (var waiter in waiters)
            {
                var isDue = waiter.Waits is { } ticket && Covers(copies, ticket);
                waiter.TakeWakes().ShouldBe(isDue ? 1 : 0, $"{seed}, step {step}");
                waiter.Waits = isDue ? null : waiter.Waits;
            }
        }
    }

    private static bool Covers(Dictionary<string, Copy> copies, WriteTicket ticket) => copies.Values.All(c =>
        (c.Ack == MirrorAck.Durable ? c.Durable : Math.Max(c.Applied, c.Durable)) >= ticket.Written.Value && c.Durable >= ticket.Flushed.Value);

    private sealed record Copy(MirrorAck Ack, long Applied, long Durable);

    private sealed class CountingWaiter : ConfirmationWaiter
    {
        private int _wakes;

        public WriteTicket? Waits { get; set; }

        public int TakeWakes() => Interlocked.Exchange(ref _wakes, 0);

        protected internal override void Wake() => _wakes++;
    }
}
