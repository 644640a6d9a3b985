using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Wire;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Tests.Replication.Wire;

/// <summary>
/// Whole conversations with frames left out, twice, in another order, damaged on the way (the checksum is of before) and damaged before they were summed, from seeds, against either side. Whatever comes, a copy
/// holds what its owner had at the position it says, a primary keeps its own, and neither meets anything it did not foresee. <c>DR_WIRE_SEEDS</c> is how many conversations (default 12 a side).
/// </summary>
public sealed class ConversationFuzzTests(ITestOutputHelper output)
{
    private const long Size = 1 << 20;
    private const long Epoch = 5;
    private static readonly int Seeds = int.Parse(Environment.GetEnvironmentVariable("DR_WIRE_SEEDS") ?? "12", null);
    private static readonly int First = int.Parse(Environment.GetEnvironmentVariable("DR_WIRE_FIRST") ?? "1", null);
    private readonly SortedDictionary<string, int> _counts = [];

    [Fact]
    public async Task A_copy_holds_what_its_owner_had_whatever_is_said_to_it()
    {
        var faults = new Unforeseen();
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup", faults);
        for (var seed = First; seed < First + Seeds; seed++)
        {
            var random = new Random(seed);
            var owner = production.Set.Create($"v{seed}", Size);
            owner.Promote(new Epoch(Epoch));
            var frames = Conversation(owner, random);
            for (var attempt = 0; attempt < 4; attempt++)
            {
                await using var peer = await ScriptedPeer.DialAsync(backup.Address);
                for (var i = 0; i < frames.Count; i++)
                {
                    await SayAsync(peer, frames, i, random);
                }

                // Whatever became of the stream, what was said has been looked at when this is answered.
                await peer.SendAsync(99, Epoch, frames[0].Announce!);
                while (await peer.ReceiveAsync() is { } answer && answer.Header.Stream != 99)
                {
                }
            }

            if (backup.Set.Find(owner.Name) is { } copy)
            {
                Check(copy, owner, $"seed {seed}");
            }

            // And the real owner finds together with what is left.
            await production.Copies.AddAsync(owner, backup.Address, CopyMode.Stream, null, default);
            using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30)))
            {
                await production.Copies.SyncAsync(owner, null, patience.Token);
            }

            backup.Set.Get(owner.Name).ShouldHoldTheSameAs(owner);
            await production.Copies.RemoveAsync(owner, backup.Address, default);
        }

        faults.Seen.ShouldBeEmpty();
        backup.Set.Damaged.ShouldBeEmpty();
        output.WriteLine($"{Seeds} conversations: {string.Join(", ", _counts.Select(c => $"{c.Value} × {c.Key}"))}");
    }

    [Fact]
    public async Task A_primary_keeps_its_own_whatever_is_answered()
    {
        var faults = new Unforeseen();
        await using var production = await Node.StartAsync("production", faults);
        await using var backup = await Node.StartAsync("backup");
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        for (var seed = First; seed < First + Seeds; seed++)
        {
            var random = new Random(seed);
            var owner = production.Set.Create($"v{seed}", Size);
            owner.Promote(new Epoch(Epoch));
            Conversation(owner, random);
            var (content, address) = (owner.Content(), listener.LocalEndpoint.ToString()!);
            await production.Copies.AddAsync(owner, address, (CopyMode)random.Next(3), null, default);
            for (var attempt = 0; attempt < 2; attempt++)
            {
                await using var peer = new ScriptedPeer(await listener.AcceptSocketAsync());
                await peer.GreetAsync();
                for (var answers = random.Next(1, 8); answers > 0 && await peer.ReceiveAsync() is { } said; answers--)
                {
                    var frames = Answers(owner, said.Header.Stream, random);
                    for (var i = 0; i < frames.Count; i++)
                    {
                        await SayAsync(peer, frames, i, random);
                    }
                }
            }

            await production.Copies.RemoveAsync(owner, address, default);
            owner.ShouldHold(content);
            owner.Role.ShouldBe(VolumeRole.Primary);
            owner.Epoch.ShouldBe(new Epoch(Epoch));
            owner.Fault.ShouldBeNull();
        }

        faults.Seen.ShouldBeEmpty();
        output.WriteLine($"{Seeds} conversations: {string.Join(", ", _counts.Select(c => $"{c.Value} × {c.Key}"))}");
    }

    private async Task SayAsync(ScriptedPeer peer, List<Said> frames, int index, Random random)
    {
        var said = frames[index];
        var kind = random.Next(14);
        switch (kind)
        {
            case 0:
                Count("left out");
                return;
            case 1:
                Count("twice, as new");
                await peer.SendAsync(said.Type, said.Stream, Epoch, said.Payload);
                break;
            case 2:
                Count("another before it");
                await peer.SendAsync(frames[random.Next(frames.Count)].Type, said.Stream, Epoch, frames[random.Next(frames.Count)].Payload);
                break;

            // What says which volume it is about is believed: no checksum can tell that its sender meant another.
            case 3 when said.Payload.Length > 0 && said.Type != FrameType.Announce:
                Count("damaged before its checksum");
                var damaged = (byte[])said.Payload.Clone();
                damaged[random.Next(damaged.Length)] ^= (byte)(1 << random.Next(8));
                await peer.SendAsync(said.Type, said.Stream, Epoch, damaged);
                return;
            case 4 when said.Payload.Length > 1:
                Count("cut short");
                await peer.SendAsync(said.Type, said.Stream, Epoch, said.Payload[..random.Next(said.Payload.Length)]);
                return;
            case 5:
                Count("of a lower epoch");
                await peer.SendAsync(said.Type, said.Stream, random.NextInt64(Epoch), said.Payload);
                return;
            case 6 when random.Next(4) == 0:
                Count("doubled or lost on the way");
                await peer.SendAsync(said.Type, said.Stream, Epoch, said.Payload, step: random.Next(2) * 2);
                return;
            case 7 when random.Next(4) == 0:
                Count("damaged after its checksum");
                await peer.SendAsync(said.Type, said.Stream, Epoch, said.Payload, flip: random.Next(FrameCodec.HeaderSize + said.Payload.Length));
                return;
            default:
                break;
        }

        await peer.SendAsync(said.Type, said.Stream, Epoch, said.Payload);
    }

    /// <summary>Writes the owner's past, and what it would say of it: by the log, then by deltas, with a way back in between.</summary>
    private static List<Said> Conversation(Volume owner, Random random)
    {
        owner.WriteRandom(random, random.Next(1, 6));
        var one = owner.Point("one");
        owner.WriteRandom(random, random.Next(1, 6));
        var two = owner.Point("two");
        var chain = owner.Generations.Select(g => new GenerationStart(g.Generation, g.After)).ToArray();
        var announce = new Announce(owner.Id, owner.Name, Size, CopyMode.Stream, owner.Appended, chain, [.. owner.Points.Select(p => new PointMark(p.Id, p.Sequence))]);
        var (markOne, markTwo) = (new PointMark(one.Id, one.Sequence), new PointMark(two.Id, two.Sequence));
        List<Said> byLog =
        [
            Said.Of(announce), .. Batches(owner, SequenceNumber.Zero, one.Sequence), Said.Of(new PointNotice(one)), Said.Of(new Heartbeat(one.At, owner.Appended)),
            Said.Of(new MirrorNotice(3, MirrorState.OutOfDate, LossPolicy.Stall)),
        ];
        List<Said> byDelta = [Said.Of(announce), Said.Of(new DeltaBegin(default, one, 0, chain)), .. Blocks(owner, null, one), Said.Of(new Commit(markOne, owner.ContentDigest(one.Id)))];
        List<Said> further = [Said.Of(announce), Said.Of(new DeltaBegin(markOne, two, 0, chain)), .. Blocks(owner, one, two), Said.Of(new Commit(markTwo, owner.ContentDigest(two.Id)))];
        return [.. random.Next(2) == 0 ? byLog : byDelta, .. further, Said.Of(new Rewind(one.Sequence)), .. Batches(owner, one.Sequence, two.Sequence), Said.Of(new PointNotice(two)), Said.Of(new Detach("over"))];
    }

    private static List<Said> Answers(Volume owner, int stream, Random random)
    {
        var chain = owner.Generations.Select(g => new GenerationStart(g.Generation, g.After)).ToArray();
        var at = new SequenceNumber(random.NextInt64(owner.Appended.Value + 3));
        var point = owner.Points[random.Next(owner.Points.Count)];
        PointMark[] marks = [.. owner.Points.Where(p => p.Sequence <= at).Select(p => new PointMark(p.Id, p.Sequence))];
        List<Said> answers =
        [
            Said.Of(new Position(VolumeRole.Replica, at, at, random.Next(2) == 0 ? default : point.Id, random.Next(2) == 0 ? default : point.Id, random.Next(300), chain, marks)),
            Said.Of(new Ack(at, at, at, point.Id, point.Id, random.Next(300))), Said.Of(new BlockRequest(point.Id, [random.Next(400), random.Next(400)])),
            Said.Of(new MirrorNotice(random.NextInt64(long.MaxValue), (MirrorState)random.Next(3), LossPolicy.Degrade)), Said.Of(new Refusal((RefusalCode)random.Next(11), "no", null)),
        ];
        return [.. random.GetItems(answers.ToArray(), 2).Select(a => a with { Stream = stream })];
    }

    // What a copy shows is what its owner had when it had written as much.
    private static void Check(Volume copy, Volume owner, string what)
    {
        copy.Fault.ShouldBeNull(what);
        copy.Role.ShouldBe(VolumeRole.Replica, what);

        // A stream that was cut may still be applying what it had received: position and content have to be of one instant.
        using var found = copy.OpenNow();
        using var then = owner.OpenView(found.Sequence.Value, DateTimeOffset.UtcNow, what);
        found.Content().AsSpan().SequenceEqual(then.Content()).ShouldBeTrue($"{what}: at {found.Sequence} the copy does not hold what its owner had");
    }

    private static Said[] Batches(Volume volume, SequenceNumber after, SequenceNumber upTo)
    {
        List<Said> frames = [];
        using var reader = volume.ReadJournal(after);
        while (reader.Position < upTo && reader.TryRead(out var item) == JournalStatus.Item)
        {
            if (item is JournalItem.Batch batch)
            {
                var payload = new ArrayBufferWriter<byte>();
                BatchCodec.Append(payload, batch.Bytes.Span);
                frames.Add(new Said(FrameType.Batch, payload.WrittenSpan.ToArray()));
            }
        }

        return [.. frames];
    }

    private static Said[] Blocks(Volume volume, PointInfo? from, PointInfo to)
    {
        using var newer = volume.OpenView(to.Id);
        using var older = from is null ? null : volume.OpenView(from.Id);
        var (was, now) = (new byte[DeltaCodec.BlockBytes], new byte[DeltaCodec.BlockBytes]);
        var payload = new ArrayBufferWriter<byte>();
        long previous = -1;
        foreach (var range in volume.ChangedBlocks(from?.Id, to.Id))
        {
            for (var block = range.First; block < range.First + range.Count; block++)
            {
                older?.Read(block * DeltaCodec.BlockBytes, was);
                newer.Read(block * DeltaCodec.BlockBytes, now);
                DeltaCodec.Append(payload, ref previous, block, was, now);
            }
        }

        return [new Said(FrameType.Delta, payload.WrittenSpan.ToArray())];
    }

    private void Count(string what) => _counts[what] = _counts.GetValueOrDefault(what) + 1;

    private sealed record Said(FrameType Type, byte[] Payload)
    {
        public int Stream { get; init; } = 1;

        public Announce? Announce { get; private init; }

        public static Said Of<T>(T message)
            where T : IWireMessage<T> => new(T.Type, WireMessage.Encode(message)) { Announce = message as Announce };
    }

    /// <summary>Keeps what either side logs as a fault of its own.</summary>
    private sealed class Unforeseen : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> Seen { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Error)
            {
                Seen.Enqueue($"{eventId.Id} {formatter(state, exception)} {exception}");
            }
        }

        public void Dispose()
        {
        }
    }
}
