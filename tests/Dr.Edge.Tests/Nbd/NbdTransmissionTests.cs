using System.Buffers.Binary;
using Dr.Edge.Nbd;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

public sealed class NbdTransmissionTests
{
    private static readonly byte[] Pattern = [.. Enumerable.Range(0, 8192).Select(i => (byte)((i * 31) + (i / 256)))];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_written_is_read_over_unix_and_tcp(bool unix)
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = server.Attach(unix: unix);
        client.Write(1000, Pattern).ShouldBe(NbdError.None);
        client.Read(1000, Pattern.Length).ShouldBe(Pattern);
        using var second = server.Attach(unix: !unix);
        second.Read(1000, Pattern.Length).ShouldBe(Pattern);
    }

    [Fact]
    public async Task Neighbouring_changes_are_one_batch_in_order_and_answered_each()
    {
        var device = new MemoryDevice(1024 * 1024);
        await using var server = await NbdTestServer.StartAsync(device);
        using var client = server.Attach();
        client.Send([
            .. ScriptedClient.RequestBytes(NbdCommand.Write, 0, 8192, 1, Pattern),
            .. ScriptedClient.RequestBytes(NbdCommand.Trim, 4096, 1024, 2),
            .. ScriptedClient.RequestBytes(NbdCommand.WriteZeroes, 5120, 1024, 3, flags: NbdCommandFlags.NoHole),
            .. ScriptedClient.RequestBytes(NbdCommand.Write, 4096, 512, 4, Pattern.AsSpan(0, 512)),
            .. ScriptedClient.RequestBytes(NbdCommand.Read, 4096, 4096, 5),
        ]);
        for (var cookie = 1UL; cookie <= 5; cookie++)
        {
            client.SimpleReply(cookie).ShouldBe(NbdError.None);
        }

        byte[] expected = [.. Pattern[..512], .. new byte[1536], .. Pattern[6144..]];
        client.Receive(4096).ShouldBe(expected);
        device.WriteCalls.ShouldBe(1);
    }

    [Fact]
    public async Task No_batch_grows_beyond_its_threshold_and_one_request()
    {
        var largest = 0L;
        var device = new MemoryDevice(16 * 1024 * 1024) { OnBatch = batch => largest = Math.Max(largest, batch.ToArray().Sum(extent => extent.Length)) };
        await using var server = await NbdTestServer.StartAsync(device);
        using var client = server.Attach();
        var data = new byte[256 * 1024];
        client.Send([.. Enumerable.Range(0, 40).SelectMany(index => ScriptedClient.RequestBytes(NbdCommand.Write, (ulong)(index * data.Length), (uint)data.Length, (ulong)index, data))]);
        for (var index = 0UL; index < 40; index++)
        {
            client.SimpleReply(index).ShouldBe(NbdError.None);
        }

        largest.ShouldBeLessThan(NbdLimits.BatchThresholdBytes + data.Length);
    }

    [Fact]
    public async Task Requests_behind_changes_run_after_them()
    {
        var order = new List<string>();
        var device = new MemoryDevice(1024 * 1024) { OnCall = order.Add };
        await using var server = await NbdTestServer.StartAsync(device);
        using var client = server.Attach();
        client.Send([
            .. ScriptedClient.RequestBytes(NbdCommand.Write, 0, 512, 1, Pattern.AsSpan(0, 512)),
            .. ScriptedClient.RequestBytes(NbdCommand.Flush, 0, 0, 2),
            .. ScriptedClient.RequestBytes(NbdCommand.Write, 512, 512, 3, Pattern.AsSpan(0, 512), NbdCommandFlags.ForceUnitAccess),
            .. ScriptedClient.RequestBytes(NbdCommand.Read, 512, 512, 4),
        ]);
        for (var cookie = 1UL; cookie <= 4; cookie++)
        {
            client.SimpleReply(cookie).ShouldBe(NbdError.None);
        }

        client.Receive(512).ShouldBe(Pattern[..512]);
        order.ShouldBe(["Write", "Flush", "Write", "Read"]);
        device.LastForceUnitAccess.ShouldBeTrue();
    }

    /// <summary>As when the process stood still between doing and answering: what was already to be sent is taken back, in each form of answers, and nothing else is.</summary>
    [Theory]
    [InlineData(nameof(ReplyForm.Simple))]
    [InlineData(nameof(ReplyForm.Structured))]
    [InlineData(nameof(ReplyForm.Extended))]
    public async Task Changes_and_flushes_that_were_done_are_answered_with_an_error_when_the_right_to_serve_lapsed_before_the_answer_left(string agreed)
    {
        var form = Enum.Parse<ReplyForm>(agreed);
        var device = new MemoryDevice(1024 * 1024);
        device.OnCall = name => device.HasLapsed |= name == "Read";
        await using var server = await NbdTestServer.StartAsync(device);
        using var client = server.Connect();
        client.Greet();
        if (form == ReplyForm.Structured)
        {
            client.AgreeStructuredReplies();
        }
        else if (form == ReplyForm.Extended)
        {
            client.AgreeExtendedHeaders();
        }

        client.Go("volume");
        var payload = form == ReplyForm.Extended ? NbdCommandFlags.PayloadLength : NbdCommandFlags.None;
        client.Send([
            .. ScriptedClient.RequestBytes(NbdCommand.Write, 0, 512, 1, Pattern.AsSpan(0, 512), payload, form),
            .. ScriptedClient.RequestBytes(NbdCommand.Write, 5000, 1, 2, [1], payload, form),
            .. ScriptedClient.RequestBytes(NbdCommand.Cache, 0, 512, 3, form: form),
            .. ScriptedClient.RequestBytes(NbdCommand.Flush, 0, 0, 4, form: form),
            .. ScriptedClient.RequestBytes(NbdCommand.Read, 0, 512, 5, form: form),
        ]);
        client.Answer(NbdCommand.Write, 1, 0).ShouldBe(NbdError.NotPermitted);
        client.Answer(NbdCommand.Write, 2, 5000).ShouldBe(NbdError.NotPermitted);
        client.Answer(NbdCommand.Cache, 3, 0).ShouldBe(NbdError.None);
        client.Answer(NbdCommand.Flush, 4, 0).ShouldBe(NbdError.NotPermitted);
        if (form == ReplyForm.Simple)
        {
            client.SimpleReply(5).ShouldBe(NbdError.None);
            client.Receive(512).ShouldBe(Pattern[..512]);
        }
        else
        {
            client.Chunk(5, 0).Data[8..].ShouldBe(Pattern[..512]);
        }

        client.Read(0, 512).ShouldBe(Pattern[..512], "and the connection is in step");
    }

    [Fact]
    public async Task A_change_is_answered_only_after_the_device_has_it()
    {
        using var held = new ManualResetEventSlim();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var device = new MemoryDevice(1024 * 1024)
        {
            OnCall = _ =>
            {
                entered.TrySetResult();
                held.Wait();
            },
        };
        await using var server = await NbdTestServer.StartAsync(device);
        using var client = server.Attach();
        client.Request(NbdCommand.Write, 0, 512, 1, Pattern.AsSpan(0, 512));
        await entered.Task;
        client.Socket.Available.ShouldBe(0);
        held.Set();
        client.SimpleReply(1).ShouldBe(NbdError.None);
    }

    [Fact]
    public async Task A_flush_that_is_expected_begins_when_the_answers_have_left_and_not_while_more_is_to_be_done()
    {
        using var begun = new ManualResetEventSlim();
        using var held = new ManualResetEventSlim();
        var order = new List<string>();
        var device = new MemoryDevice(1024 * 1024);
        device.OnCall = call =>
        {
            order.Add(call);
            device.ExpectsFlush = call is nameof(IBlockDevice.Write) or nameof(IBlockDevice.Read);
            if (call == nameof(IBlockDevice.FlushAhead))
            {
                begun.Set();
                held.Wait();
            }
        };
        await using var server = await NbdTestServer.StartAsync(device);
        using var client = server.Attach();
        client.Send([.. ScriptedClient.RequestBytes(NbdCommand.Write, 0, 512, 1, Pattern.AsSpan(0, 512)), .. ScriptedClient.RequestBytes(NbdCommand.Read, 0, 512, 2)]);

        // The answers are here although the device is not done.
        client.SimpleReply(1).ShouldBe(NbdError.None);
        client.SimpleReply(2).ShouldBe(NbdError.None);
        client.Receive(512).ShouldBe(Pattern[..512]);

        // A request that came before would be done first, and the flush not begun for it.
        begun.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken).ShouldBeTrue("waited 30 s for the flush to begin");
        held.Set();
        client.Request(NbdCommand.Flush, 0, 0, 3);
        client.SimpleReply(3).ShouldBe(NbdError.None);
        order.ShouldBe(["Write", "Read", "FlushAhead", "Flush"]);
    }

    [Fact]
    public async Task Payloads_of_32_MiB_work_both_ways_and_their_memory_is_given_back()
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(NbdLimits.MaxPayloadBytes + 4096));
        using var client = server.Attach(unix: false);
        var big = new byte[NbdLimits.MaxPayloadBytes];
        new Random(1).NextBytes(big);
        client.Write(4096, big).ShouldBe(NbdError.None);
        client.Read(4096, big.Length).AsSpan().SequenceEqual(big).ShouldBeTrue();
        client.Read(0, 1).ShouldBe([0]);
        server.Server.Pool.Rented.ShouldBe(0);
    }

    [Fact]
    public async Task Large_requests_are_refused_when_their_memory_is_used_up_and_small_ones_are_not()
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(2 * NbdLimits.MaxPayloadBytes), new NbdLimits { MaxLargeBuffers = 0 });
        using var client = server.Attach();
        client.Request(NbdCommand.Read, 0, NbdLimits.MaxPayloadBytes, 1);
        client.SimpleReply(1).ShouldBe(NbdError.OutOfMemory);
        client.Write(0, new byte[NbdLimits.MaxPayloadBytes]).ShouldBe(NbdError.OutOfMemory);
        client.Write(0, Pattern).ShouldBe(NbdError.None);
        client.Read(0, Pattern.Length).ShouldBe(Pattern);
    }

    [Fact]
    public async Task Many_requests_of_all_sizes_in_one_stream_are_all_answered_in_step()
    {
        await using var server = await NbdTestServer.StartAsync(new MemoryDevice(16 * 1024 * 1024));
        using var client = server.Attach();
        var random = new Random(7);
        var expected = new byte[16 * 1024 * 1024];
        var writes = Enumerable.Range(0, 400).Select(_ => (Offset: random.Next(0, 15 * 1024 * 1024), Length: 1 << random.Next(0, 20))).ToArray();
        var sender = Task.Run(() =>
        {
            for (var index = 0; index < writes.Length; index++)
            {
                var data = new byte[writes[index].Length];
                new Random(index).NextBytes(data);
                data.CopyTo(expected, writes[index].Offset);
                client.Request(NbdCommand.Write, (ulong)writes[index].Offset, (uint)data.Length, (ulong)index, data);
            }
        });
        for (var index = 0; index < writes.Length; index++)
        {
            client.SimpleReply((ulong)index).ShouldBe(NbdError.None);
        }

        await sender;
        server.Device.Content.AsSpan().SequenceEqual(expected).ShouldBeTrue();
    }

    [Fact]
    public async Task Structured_reads_come_in_one_chunk_and_errors_as_chunks()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = server.Attach(structured: true);
        client.Write(4096, Pattern).ShouldBe(NbdError.None);

        client.Request(NbdCommand.Read, 4096, 8192, 9, flags: NbdCommandFlags.DontFragment);
        var chunk = client.Chunk(9);
        (chunk.Kind, chunk.Flags).ShouldBe((NbdChunk.OffsetData, ReplyCodec.ChunkDone));
        BinaryPrimitives.ReadUInt64BigEndian(chunk.Data).ShouldBe(4096UL);
        chunk.Data[8..].ShouldBe(Pattern);

        client.Request(NbdCommand.Read, 1024 * 1024, 1, 10);
        var error = client.Chunk(10);
        (error.Kind, error.Flags).ShouldBe((NbdChunk.Error, ReplyCodec.ChunkDone));
        BinaryPrimitives.ReadUInt32BigEndian(error.Data).ShouldBe((uint)NbdError.Invalid);

        client.Request(NbdCommand.Read, 0, 0, 11);
        client.Chunk(11).Kind.ShouldBe(NbdChunk.None);
    }

    [Fact]
    public async Task Block_status_tells_zeroes_from_data()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = server.Connect();
        client.Greet();
        client.AgreeStructuredReplies();
        client.SendOption(NbdOption.SetMetaContext, ScriptedClient.ContextData("volume", "base:allocation"));
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.MetaContext);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        client.Go("volume");
        client.Write(8192, Pattern).ShouldBe(NbdError.None);

        client.Request(NbdCommand.BlockStatus, 0, 1024 * 1024, 5);
        var chunk = client.Chunk(5);
        chunk.Kind.ShouldBe(NbdChunk.BlockStatus);
        Convert.ToHexString(chunk.Data).ShouldBe("00000001" + "0000200000000003" + "0000200000000000" + "000FC00000000003");

        client.Request(NbdCommand.BlockStatus, 4096, 1024, 6, flags: NbdCommandFlags.RequestOne);
        Convert.ToHexString(client.Chunk(6).Data).ShouldBe("00000001" + "0000040000000003");
    }

    [Fact]
    public async Task Empty_requests_are_answered()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = server.Attach();
        foreach (var command in new[] { NbdCommand.Read, NbdCommand.Write, NbdCommand.Trim, NbdCommand.WriteZeroes, NbdCommand.Cache, NbdCommand.Flush })
        {
            client.Request(command, 4096, 0, 3);
            client.SimpleReply(3).ShouldBe(NbdError.None);
        }

        server.Device.WriteCalls.ShouldBe(0);
    }

    [Theory]
    [InlineData(BlockError.NotPermitted, 1u)]
    [InlineData(BlockError.IO, 5u)]
    [InlineData(BlockError.NoSpace, 28u)]
    [InlineData(BlockError.Shutdown, 108u)]
    public async Task Errors_of_the_device_reach_the_client_and_the_connection_goes_on(BlockError error, uint wire)
    {
        var fails = true;
        var device = new MemoryDevice(1024 * 1024)
        {
            OnCall = _ =>
            {
                if (fails)
                {
                    throw new BlockDeviceException(error, "as told");
                }
            },
        };
        await using var server = await NbdTestServer.StartAsync(device);
        using var client = server.Attach();
        client.Send([.. ScriptedClient.RequestBytes(NbdCommand.Write, 0, 512, 1, Pattern.AsSpan(0, 512)), .. ScriptedClient.RequestBytes(NbdCommand.Trim, 0, 512, 2)]);
        ((uint)client.SimpleReply(1)).ShouldBe(wire);
        ((uint)client.SimpleReply(2)).ShouldBe(wire);
        client.Request(NbdCommand.Read, 0, 512, 3);
        ((uint)client.SimpleReply(3)).ShouldBe(wire);
        client.Request(NbdCommand.Flush, 0, 0, 4);
        ((uint)client.SimpleReply(4)).ShouldBe(wire);
        fails = false;
        client.Read(0, 512).ShouldBe(new byte[512]);
    }

    [Fact]
    public async Task Disconnect_finishes_what_came_before_it_and_closes_without_an_answer()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = server.Attach();
        client.Send([
            .. ScriptedClient.RequestBytes(NbdCommand.Write, 0, 512, 1, Pattern.AsSpan(0, 512)),
            .. ScriptedClient.RequestBytes(NbdCommand.Disconnect, 0, 0, 2),
        ]);
        client.SimpleReply(1).ShouldBe(NbdError.None);
        client.IsClosedByServer().ShouldBeTrue();
        server.Device.Content[..512].ShouldBe(Pattern[..512]);
    }

    [Fact]
    public async Task Nothing_is_allocated_per_request()
    {
        const int Rounds = 200;
        const int Passes = 6;
        var samples = new List<long>(Passes + 1);
        var device = new MemoryDevice(1024 * 1024);
        device.OnCall = name =>
        {
            if (name == nameof(IBlockDevice.Flush))
            {
                samples.Add(GC.GetAllocatedBytesForCurrentThread());
            }
        };
        await using var server = await NbdTestServer.StartAsync(device);
        using var client = server.Attach();
        byte[] round = [
            .. ScriptedClient.RequestBytes(NbdCommand.Write, 4096, 4096, 7, Pattern.AsSpan(0, 4096)),
            .. ScriptedClient.RequestBytes(NbdCommand.Write, 100, 100, 7, Pattern.AsSpan(0, 100)),
            .. ScriptedClient.RequestBytes(NbdCommand.Trim, 0, 4096, 7),
            .. ScriptedClient.RequestBytes(NbdCommand.Read, 4096, 4096, 7),
            .. ScriptedClient.RequestBytes(NbdCommand.Read, ulong.MaxValue, 4096, 7),
            .. ScriptedClient.RequestBytes(NbdCommand.Cache, 0, 4096, 7),
        ];
        for (var pass = 0; pass < Passes; pass++)
        {
            client.Request(NbdCommand.Flush, 0, 0, 1);
            client.SimpleReply(1).ShouldBe(NbdError.None);
            for (var index = 0; index < Rounds; index++)
            {
                client.Send(round);
                client.Receive((6 * NbdProtocol.SimpleReplySize) + 4096);
            }
        }

        client.Request(NbdCommand.Flush, 0, 0, 1);
        client.SimpleReply(1).ShouldBe(NbdError.None);

        // The first pass may set things up once; after it, 1200 requests have to get by without a byte.
        samples.Count.ShouldBe(Passes + 1);
        Allocated.LeastStep(samples[1..]).ShouldBe(0);
    }
}
