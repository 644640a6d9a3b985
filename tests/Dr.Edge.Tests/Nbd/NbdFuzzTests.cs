using System.Globalization;
using Dr.Contracts.Mqtt;
using Dr.Edge.Nbd;
using Dr.Edge.Nbd.Tls;
using Dr.Edge.Tests.Nbd.Tls;

namespace Dr.Edge.Tests.Nbd;

/// <summary>
/// Seeded noise against the real store, from pure garbage to conversations that are right but for a few bytes, over plain and encrypted lines. The server has to outlive all of it, keep
/// nothing, and a client that verifies its data meanwhile must see them right. <c>DR_FUZZ_CONVERSATIONS</c> makes it long.
/// </summary>
public sealed class NbdFuzzTests
{
    private static readonly int Conversations =
        int.TryParse(Environment.GetEnvironmentVariable("DR_FUZZ_CONVERSATIONS"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 400;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Noise_neither_stops_the_server_nor_reaches_another_client(int seed)
    {
        using var certificates = new TestCertificates();
        using var clientCertificate = certificates.Client("host-a");
        await using var stand = await StoreServer.StartAsync(
            2 * 1024 * 1024,
            tls: new NbdTlsConfig { Certificate = certificates.Server, Key = certificates.ServerKey, ClientCa = certificates.Authority, Mode = NbdTlsMode.Allow });
        var server = stand.Server;
        stand.Volume.CreatePoint("before", PointConsistency.Crash, reason: null);

        // The noise may write the export it attaches; the verified data lie in one that it does not know.
        stand.Store.Create("private", 1024 * 1024);
        using var stop = new CancellationTokenSource();
        var verifier = Task.Factory.StartNew(() => Verify(server, stop.Token), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        var random = new Random(seed);
        for (var index = 0; index < Conversations; index++)
        {
            using var client = server.Connect(unix: random.Next(2) == 0);
            client.Socket.SendTimeout = 2000;
            if (random.Next(12) == 0)
            {
                client.Greet();
                client.SendOption(NbdOption.StartTls, []);
                client.ReceiveReply();
                client.StartTls(certificates.Root, clientCertificate);
                client.TrySend(Conversation(random).AsSpan(4));
            }
            else
            {
                client.TrySend(Conversation(random));
            }

            if (random.Next(4) == 0)
            {
                client.Reset();
                continue;
            }

            client.TryShutdownSend();
            client.DrainToEnd();
        }

        await stop.CancelAsync();
        (await verifier).ShouldBeGreaterThan(0);
        using (var last = server.Attach())
        {
            last.Write(0, [1, 2, 3]).ShouldBe(NbdError.None);
            last.Read(0, 3).ShouldBe([1, 2, 3]);
        }

        await Eventually.TrueAsync("every connection was given up", () => server.Server.ConnectionCount == 0);
        server.Server.Pool.Rented.ShouldBe(0);
        await stand.RestartAsync();
        stand.Volume.Fault.ShouldBeNull();

        // Nothing holds it any more: no lease and no context was kept by a connection that died.
        stand.Store.Delete("private");
        stand.Store.Delete("volume");
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
            bytes.Write(Noise(random, random.Next(4, 5000)));
            return bytes.ToArray();
        }

        bytes.Write(ScriptedClient.Bytes32(3));
        var form = random.Next(3) == 0 ? ReplyForm.Extended : ReplyForm.Simple;
        if (form == ReplyForm.Extended)
        {
            Frame(bytes, NbdOption.ExtendedHeaders, []);
            Frame(bytes, NbdOption.SetMetaContext, ScriptedClient.ContextData("volume", "base:allocation", "qemu:allocation-depth", "qemu:dirty-bitmap:before"));
        }

        for (var options = random.Next(0, 6); options > 0; options--)
        {
            WriteOption(bytes, random);
        }

        if (random.Next(3) > 0)
        {
            Frame(bytes, NbdOption.Go, ScriptedClient.InfoData("volume", 3));
            for (var requests = random.Next(0, 30); requests > 0; requests--)
            {
                WriteRequest(bytes, random, form);
            }
        }

        var conversation = bytes.ToArray();
        for (var damages = random.Next(0, 3); damages > 0 && conversation.Length > 0; damages--)
        {
            conversation[random.Next(conversation.Length)] ^= (byte)(1 << random.Next(8));
        }

        return random.Next(5) == 0 ? conversation[..random.Next(4, Math.Max(conversation.Length, 5))] : conversation;
    }

    private static void WriteOption(MemoryStream bytes, Random random)
    {
        var option = (NbdOption)random.Next(2, 13);
        var data = random.Next(4) switch
        {
            0 => [],
            1 => Noise(random, random.Next(0, 300)),
            2 => ScriptedClient.InfoData("volume", 0, 1, 2, 3, (ushort)random.Next(10)),
            _ => ScriptedClient.ContextData("volume", "base:", "base:allocation", "qemu:", "qemu:allocation-depth", "qemu:dirty-bitmap:before", "qemu:dirty-bitmap:nobody"),
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

    private static void WriteRequest(MemoryStream bytes, Random random, ReplyForm form)
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
        if (form == ReplyForm.Extended && command == NbdCommand.BlockStatus && random.Next(2) == 0)
        {
            // Mostly right filters: ids 1 to 3 were selected. Some bytes are missing, or one too many.
            var filter = ScriptedClient.FilterBytes(random.Next(4) == 0 ? (ulong)random.NextInt64() : length, [.. Enumerable.Range(0, random.Next(5)).Select(_ => random.Next(6) == 0 ? (uint)random.NextInt64(uint.MaxValue) : (uint)random.Next(1, 4))]);
            var announced = random.Next(5) == 0 ? (ulong)random.Next(0, 90) : (ulong)filter.Length;
            bytes.Write(ScriptedClient.RequestBytes(command, offset, announced, (ulong)random.NextInt64(), filter, NbdCommandFlags.PayloadLength | (random.Next(4) == 0 ? NbdCommandFlags.RequestOne : NbdCommandFlags.None), form));
            return;
        }

        var payload = command == NbdCommand.Write ? Noise(random, (int)Math.Min(length, 100_000)) : [];
        var flags = (NbdCommandFlags)(random.Next(3) == 0 ? random.Next(0x10000) : form == ReplyForm.Extended && command == NbdCommand.Write ? 0x20 : 0);
        bytes.Write(ScriptedClient.RequestBytes(command, offset, form == ReplyForm.Extended && random.Next(4) == 0 ? (ulong)random.NextInt64() : length, (ulong)random.NextInt64(), payload, flags, form));
    }

    private static byte[] Noise(Random random, int length)
    {
        var noise = new byte[length];
        random.NextBytes(noise);
        return noise;
    }
}
