using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

/// <summary>Everything that is known to have broken a server once. In every test a second client works on, and it must not notice.</summary>
public sealed class HostileClientTests : IAsyncLifetime
{
    private readonly byte[] _known = [.. Enumerable.Range(0, 4096).Select(i => (byte)(i * 7))];
    private NbdTestServer _server = null!;
    private ScriptedClient _bystander = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await NbdTestServer.StartAsync(limits: new NbdLimits { MaxConnections = 64 });
        _bystander = _server.Attach();
        _bystander.Write(512 * 1024, _known).ShouldBe(NbdError.None);
    }

    public async ValueTask DisposeAsync()
    {
        _bystander.Read(512 * 1024, 4096).ShouldBe(_known);
        _bystander.Dispose();
        await _server.DisposeAsync();
        _server.Catalog.OpenLeases.ShouldBe(0);
        _server.Server.Pool.Rented.ShouldBe(0);
    }

    [Theory]
    [InlineData(3000)]
    [InlineData(4096)]
    [InlineData(5000)]
    [InlineData(60000)]
    public void Long_export_names_are_refused_in_step(int length)
    {
        using var client = _server.Connect();
        client.Greet();
        client.SendOption(NbdOption.Go, ScriptedClient.InfoData(new string('x', length)));
        client.ReceiveReply().Reply.ShouldBeOneOf(NbdOptionReply.ErrorUnknown, NbdOptionReply.ErrorInvalid);
        client.Go("volume").Size.ShouldBe(1024UL * 1024);

        using var old = _server.Connect();
        old.Greet();
        old.SendOption(NbdOption.ExportName, new byte[length]);
        old.IsClosedByServer().ShouldBeTrue();
    }

    [Fact]
    public void Long_option_data_are_consumed_without_being_kept()
    {
        using var client = _server.Connect();
        client.Greet();
        client.SendOption(NbdOption.Go, new byte[3_000_000]);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorTooBig);
        client.SendOption((NbdOption)77, new byte[100_000]);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorTooBig);
        client.SendOption((NbdOption)77, new byte[1000]);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorUnsupported);
        client.Go("volume");
    }

    [Fact]
    public void An_announced_4_GiB_costs_no_memory()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var clients = new List<ScriptedClient>();
        for (var index = 0; index < 10; index++)
        {
            var client = _server.Connect();
            client.Greet();
            client.SendOption(NbdOption.Go, new byte[1000], announcedLength: uint.MaxValue);
            clients.Add(client);
        }

        _bystander.Read(512 * 1024, 4096).ShouldBe(_known);
        (GC.GetTotalMemory(forceFullCollection: false) - before).ShouldBeLessThan(64 * 1024 * 1024);
        clients.ForEach(client => client.Dispose());
    }

    [Fact]
    public void Info_repeated_a_thousand_times_still_ends_in_go()
    {
        using var client = _server.Connect();
        client.Greet();
        for (var index = 0; index < 1000; index++)
        {
            client.Go("volume", NbdOption.Info).Size.ShouldBe(1024UL * 1024);
        }

        client.Go("volume").Size.ShouldBe(1024UL * 1024);
        client.Read(512 * 1024, 4096).ShouldBe(_known);
    }

    [Fact]
    public void Unknown_client_flags_and_wrong_option_magic_close()
    {
        using var flags = _server.Connect();
        flags.Greet((NbdClientFlags)0x10);
        flags.IsClosedByServer().ShouldBeTrue();

        using var magic = _server.Connect();
        magic.Greet();
        magic.Send(new byte[16]);
        magic.IsClosedByServer().ShouldBeTrue();
    }

    [Fact]
    public void Abort_is_survived_whether_the_client_waits_or_not()
    {
        using var waits = _server.Connect();
        waits.Greet();
        waits.SendOption(NbdOption.Abort, []);
        waits.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        waits.IsClosedByServer().ShouldBeTrue();

        for (var index = 0; index < 20; index++)
        {
            var leaves = _server.Connect(unix: false);
            leaves.Greet();
            leaves.SendOption(NbdOption.Abort, []);
            leaves.Reset();
        }
    }

    [Fact]
    public void A_client_may_leave_at_every_byte_of_the_handshake_and_of_a_write()
    {
        byte[] conversation = [
            .. ScriptedClient.Bytes32(3),
            .. Option(NbdOption.StructuredReply, []),
            .. Option(NbdOption.SetMetaContext, ScriptedClient.ContextData("volume", "base:allocation")),
            .. Option(NbdOption.Go, ScriptedClient.InfoData("volume", 1, 2, 3)),
            .. ScriptedClient.RequestBytes(NbdCommand.Write, 0, 64, 1, new byte[64].Select(_ => (byte)0xEE).ToArray()),
        ];
        for (var length = 0; length < conversation.Length; length++)
        {
            var client = _server.Connect(unix: length % 2 == 0);
            client.Send(conversation.AsSpan(0, length));
            if (length % 3 == 0)
            {
                client.Reset();
            }
            else
            {
                client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
                client.DrainToEnd();
                client.Dispose();
            }
        }

        // A write whose payload never became whole must not have been applied in part.
        _bystander.Read(0, 64).ShouldBe(new byte[64]);
    }

    [Fact]
    public void A_reset_with_answers_queued_hurts_nobody()
    {
        for (var index = 0; index < 20; index++)
        {
            var client = _server.Attach(unix: index % 2 == 0);
            for (var request = 0; request < 64; request++)
            {
                client.TrySend(ScriptedClient.RequestBytes(NbdCommand.Read, 0, 1024 * 1024, (ulong)request));
            }

            client.Reset();
        }
    }

    [Fact]
    public void A_client_that_never_reads_its_answers_stalls_only_itself()
    {
        using var client = _server.Attach();
        client.Socket.SendTimeout = 200;
        var sent = 0;
        while (client.TrySend(ScriptedClient.RequestBytes(NbdCommand.Read, 0, 1024 * 1024, (ulong)sent)))
        {
            sent++;
        }

        // The server is stuck in its answer by now, and so does not read on: this client has filled both directions.
        sent.ShouldBeGreaterThan(2);
        for (var round = 0; round < 100; round++)
        {
            _bystander.Read(512 * 1024, 4096).ShouldBe(_known);
        }
    }

    [Fact]
    public void Flags_and_commands_that_were_not_offered_are_refused_in_step()
    {
        using var client = _server.Attach();
        client.Request(NbdCommand.Trim, 0, 4096, 1, flags: NbdCommandFlags.FastZero);
        client.SimpleReply(1).ShouldBe(NbdError.Invalid);
        client.Request(NbdCommand.Write, 0, 4096, 2, new byte[4096], (NbdCommandFlags)0x4000);
        client.SimpleReply(2).ShouldBe(NbdError.Invalid);
        client.Request((NbdCommand)1000, 0, 4096, 3);
        client.SimpleReply(3).ShouldBe(NbdError.Invalid);
        client.Request(NbdCommand.BlockStatus, 0, 4096, 4);
        client.SimpleReply(4).ShouldBe(NbdError.Invalid);
        client.Read(512 * 1024, 4096).ShouldBe(_known);
    }

    [Fact]
    public void Lengths_that_would_overflow_are_refused_in_step()
    {
        using var client = _server.Attach();
        var cookie = 0UL;
        foreach (var command in new[] { NbdCommand.Read, NbdCommand.Trim, NbdCommand.WriteZeroes, NbdCommand.Cache })
        {
            foreach (var (offset, length) in new[] { (ulong.MaxValue - 511, 512u), (ulong.MaxValue, 1u), (ulong.MaxValue - 511, uint.MaxValue), (1UL << 63, 512u), (0UL, uint.MaxValue) })
            {
                client.Request(command, offset, length, ++cookie);
                client.SimpleReply(cookie).ShouldNotBe(NbdError.None);
            }
        }

        client.Read(512 * 1024, 4096).ShouldBe(_known);
    }

    [Fact]
    public void The_payload_of_a_refused_write_is_consumed()
    {
        using var client = _server.Attach();
        client.Write(1024 * 1024 - 100, new byte[4096]).ShouldBe(NbdError.NoSpace);
        client.Write(0, new byte[NbdLimits.MaxPayloadBytes + 1]).ShouldBe(NbdError.Overflow);
        client.Read(512 * 1024, 4096).ShouldBe(_known);

        _server.Catalog.Add("volume@point", new MemoryDevice(1024 * 1024, isReadOnly: true));
        using var reader = _server.Attach("volume@point");
        reader.Write(0, new byte[100_000]).ShouldBe(NbdError.NotPermitted);
        reader.Read(0, 512).ShouldBe(new byte[512]);
    }

    [Fact]
    public void Wrong_request_magic_drops_that_connection_only()
    {
        using var client = _server.Attach();
        client.Send(new byte[NbdProtocol.RequestSize]);
        client.IsClosedByServer().ShouldBeTrue();
    }

    [Fact]
    public void Requests_sent_together_with_go_are_not_lost()
    {
        using var client = _server.Connect();
        client.Receive(NbdProtocol.GreetingSize);
        client.Send([.. ScriptedClient.Bytes32(3), .. Option(NbdOption.Go, ScriptedClient.InfoData("volume")), .. ScriptedClient.RequestBytes(NbdCommand.Read, 512 * 1024, 4096, 5)]);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Info);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        client.SimpleReply(5).ShouldBe(NbdError.None);
        client.Receive(4096).ShouldBe(_known);
    }

    [Fact]
    public void Requests_that_arrive_byte_by_byte_are_understood()
    {
        using var client = _server.Attach(unix: false);
        foreach (var piece in ScriptedClient.RequestBytes(NbdCommand.Write, 0, 40, 6, _known.AsSpan(0, 40)))
        {
            client.Send([piece]);
        }

        client.SimpleReply(6).ShouldBe(NbdError.None);
        client.Read(0, 40).ShouldBe(_known[..40]);
    }

    private static byte[] Option(NbdOption option, byte[] data)
    {
        var bytes = new byte[NbdProtocol.OptionHeaderSize + data.Length];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, NbdProtocol.OptionMagic);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), (uint)option);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), (uint)data.Length);
        data.CopyTo(bytes, NbdProtocol.OptionHeaderSize);
        return bytes;
    }
}
