using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

/// <summary>Seeded noise, from pure garbage to conversations that are right but for a few bytes. The server has to outlive all of it, and a client that verifies its data meanwhile must see them right.</summary>
public sealed class NbdFuzzTests
{
    private const int ConversationsPerSeed = 1000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Noise_neither_stops_the_server_nor_reaches_another_client(int seed)
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(2 * 1024 * 1024));

        // The noise may write the export it attaches; the verified data lie in one that it does not know.
        server.Catalog.Add("private", new MemoryDevice(1024 * 1024));
        using var stop = new CancellationTokenSource();
        var verifier = Task.Factory.StartNew(() => Verify(server, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        var random = new Random(seed);
        for (var index = 0; index < ConversationsPerSeed; index++)
        {
            using var client = server.Connect(unix: random.Next(2) == 0);
            client.Socket.SendTimeout = 2000;
            client.TrySend(Conversation(random));
            if (random.Next(4) == 0)
            {
                client.Reset();
                continue;
            }

            client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            client.DrainToEnd();
        }

        await stop.CancelAsync();
        (await verifier).ShouldBeGreaterThan(0);
        using var last = server.Attach();
        last.Write(0, [1, 2, 3]).ShouldBe(NbdError.None);
        last.Read(0, 3).ShouldBe([1, 2, 3]);
    }

    private static int Verify(NbdTestServer server, CancellationToken stop)
    {
        using var client = server.Attach("private");
        var random = new Random(0);
        var shadow = new byte[1024 * 1024];
        var rounds = 0;
        do
        {
            var data = new byte[random.Next(1, 20_000)];
            random.NextBytes(data);
            var offset = random.Next(0, shadow.Length - data.Length);
            data.CopyTo(shadow, offset);
            client.Write((ulong)offset, data).ShouldBe(NbdError.None);
            var start = random.Next(0, shadow.Length - 20_000);
            client.Read((ulong)start, 20_000).AsSpan().SequenceEqual(shadow.AsSpan(start, 20_000)).ShouldBeTrue();
            rounds++;
        }
        while (!stop.IsCancellationRequested);

        return rounds;
    }

    private static byte[] Conversation(Random random)
    {
        using var bytes = new MemoryStream();
        if (random.Next(10) == 0)
        {
            bytes.Write(Noise(random, random.Next(0, 5000)));
            return bytes.ToArray();
        }

        bytes.Write(ScriptedClient.Bytes32(3));
        for (var options = random.Next(0, 6); options > 0; options--)
        {
            WriteOption(bytes, random);
        }

        if (random.Next(3) > 0)
        {
            Frame(bytes, NbdOption.Go, ScriptedClient.InfoData("volume", 3));
            for (var requests = random.Next(0, 30); requests > 0; requests--)
            {
                WriteRequest(bytes, random);
            }
        }

        var conversation = bytes.ToArray();
        for (var damages = random.Next(0, 3); damages > 0 && conversation.Length > 0; damages--)
        {
            conversation[random.Next(conversation.Length)] ^= (byte)(1 << random.Next(8));
        }

        return random.Next(5) == 0 ? conversation[..random.Next(conversation.Length)] : conversation;
    }

    private static void WriteOption(MemoryStream bytes, Random random)
    {
        var option = (NbdOption)random.Next(2, 13);
        var data = random.Next(4) switch
        {
            0 => [],
            1 => Noise(random, random.Next(0, 300)),
            2 => ScriptedClient.InfoData("volume", 0, 1, 2, 3, (ushort)random.Next(10)),
            _ => ScriptedClient.ContextData("volume", "base:", "base:allocation"),
        };
        Frame(bytes, option, data);
    }

    private static void Frame(MemoryStream bytes, NbdOption option, byte[] data)
    {
        Span<byte> header = stackalloc byte[NbdProtocol.OptionHeaderSize];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(header, NbdProtocol.OptionMagic);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(header[8..], (uint)option);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(header[12..], (uint)data.Length);
        bytes.Write(header);
        bytes.Write(data);
    }

    private static void WriteRequest(MemoryStream bytes, Random random)
    {
        var command = (NbdCommand)random.Next(0, 10);
        var length = random.Next(8) switch
        {
            0 => 0u,
            1 => (uint)random.NextInt64(uint.MaxValue),
            2 => uint.MaxValue,
            _ => (uint)random.Next(1, 70_000),
        };
        var offset = random.Next(6) switch
        {
            0 => (ulong)random.NextInt64(),
            1 => ulong.MaxValue - (ulong)random.Next(1024),
            _ => (ulong)random.Next(0, 2 * 1024 * 1024),
        };
        var payload = command == NbdCommand.Write ? Noise(random, (int)Math.Min(length, 100_000)) : [];
        bytes.Write(ScriptedClient.RequestBytes(command, offset, length, (ulong)random.NextInt64(), payload, (NbdCommandFlags)(random.Next(3) == 0 ? random.Next(0x10000) : 0)));
    }

    private static byte[] Noise(Random random, int length)
    {
        var noise = new byte[length];
        random.NextBytes(noise);
        return noise;
    }
}
