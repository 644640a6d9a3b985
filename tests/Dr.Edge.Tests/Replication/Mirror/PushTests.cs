using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;
using Dr.Edge.Nbd;
using Dr.Edge.Replication;
using Dr.Edge.Tests.Nbd;
using Dr.Edge.Tests.Replication.Wire;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.Mirror;

/// <summary>Writers that send for themselves and each other, and a far end that applies on its connection's thread: nothing waits for a timer, and nothing passes what came before it.</summary>
public sealed class PushTests : TwoNodeTest
{
    private const long Size = 1 << 20;
    private const int Writers = 6;

    // Together less than the far end takes before it flushes by itself, whose answers would cover what is missed.
    private const int WritesEach = 100;

    [Fact]
    public async Task Every_write_of_a_synchronous_volume_is_answered_without_the_help_of_a_timer()
    {
        var volume = Production.Set.Create("dilas", Size);
        await Production.Copies.AddAsync(volume, Backup.Address, s => s with { Mode = CopyMode.Sync }, default);
        var copy = Production.Copies.Of(volume).Single();
        await Node.Until(() => copy.ToStatus() is { State: CopyState.Current, Mirror: MirrorState.Whole }, "the mirror to be whole", () => $"{copy.ToStatus()}");
        await SyncAsync(volume);
        Production.Clock.StandsStill = Backup.Clock.StandsStill = true;
        try
        {
            var answered = 0;
            using var together = new Barrier(Writers);
            var writing = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Factory.StartNew(
                () =>
                {
                    var random = new Random(writer);
                    for (var i = 0; i < WritesEach; i++)
                    {
                        // All at once, and nobody again before all are answered: who comes while the first one sends has only that one to send it too.
                        together.SignalAndWait();
                        volume.WriteAt(random.NextInt64(Size / 4096) * 4096, [(byte)i, (byte)writer]);
                        Interlocked.Increment(ref answered);
                    }
                },
                TaskCreationOptions.LongRunning)));
            await Node.Until(() => writing.IsCompleted, "all writes to be answered", () => $"{answered} of {Writers * WritesEach} were; {copy.ToStatus()}", seconds: 60);
            await writing;
            Backup.Set.Get("dilas").Appended.ShouldBe(volume.Appended);
        }
        finally
        {
            Production.Clock.StandsStill = Backup.Clock.StandsStill = false;
        }

        volume.Flush();
        Backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
    }

    [Fact]
    public async Task Every_write_of_one_client_with_many_under_way_is_answered_without_the_help_of_a_timer()
    {
        const int Writes = 600;
        const int UnderWay = 16;
        var volume = Production.Set.Create("dilas", Size);
        await Production.Copies.AddAsync(volume, Backup.Address, s => s with { Mode = CopyMode.Sync }, default);
        var copy = Production.Copies.Of(volume).Single();
        await Node.Until(() => copy.ToStatus() is { State: CopyState.Current, Mirror: MirrorState.Whole }, "the mirror to be whole", () => $"{copy.ToStatus()}");
        await SyncAsync(volume);
        await using var server = await NbdTestServer.StartAsync(Production.Set);
        using var client = server.Attach("dilas");
        var mirror = Backup.Set.Get("dilas");
        Production.Clock.StandsStill = Backup.Clock.StandsStill = true;
        try
        {
            var (random, before) = (new Random(1), volume.Appended);
            for (var (sent, answered) = (0, 0); answered < Writes;)
            {
                for (; sent < Writes && sent - answered < UnderWay; sent++)
                {
                    client.Request(NbdCommand.Write, (ulong)random.Next((int)Size / 4096) * 4096, 4096, (ulong)sent, [(byte)sent, .. new byte[4095]]);
                }

                client.SimpleReply((ulong)answered++).ShouldBe(NbdError.None);
                (mirror.Appended.Value - before.Value).ShouldBeGreaterThanOrEqualTo(answered, "answered before the mirror had it");
            }
        }
        finally
        {
            Production.Clock.StandsStill = Backup.Clock.StandsStill = false;
        }

        volume.Flush();
        mirror.ShouldHoldTheSameAs(volume);
    }

    [Fact]
    public async Task What_comes_with_the_announcement_is_applied_after_it()
    {
        const long Epoch = 3;
        var owner = Production.Set.Create("dilas", Size);
        owner.Promote(new Epoch(Epoch));
        await using var peer = await ScriptedPeer.DialAsync(Backup.Address);

        // The far end's task has to be woken for the announcement while the run is there already; once would be luck.
        for (var stream = 1; stream <= 20; stream++)
        {
            var before = owner.Appended;
            owner.WriteAt(0, [(byte)stream]);
            using var reader = owner.ReadJournal(before);
            reader.TryReadRun(0, int.MaxValue, out var run).ShouldBe(JournalStatus.Item);
            var announce = new Announce(owner.Id, owner.Name, Size, CopyMode.Sync, owner.Appended, owner.Chain(), []);
            await peer.SendTogetherAsync(stream, Epoch, (FrameType.Announce, WireMessage.Encode(announce)), (FrameType.Run, run.Memory.ToArray()));

            (FrameHeader Header, byte[] Payload) answer;
            do
            {
                answer = (await peer.ReceiveAsync()).ShouldNotBeNull();
            }
            while (answer.Header.Stream != stream || answer.Header.Type == FrameType.Position);

            answer.Header.Type.ShouldBe(FrameType.Ack, answer.Header.Type == FrameType.Error ? WireMessage.Decode<Refusal>(answer.Payload).Message : "");
            WireMessage.Decode<Ack>(answer.Payload).Applied.ShouldBe(owner.Appended);
        }

        Backup.Set.Get("dilas").ShouldHoldTheSameAs(owner);
    }
}
