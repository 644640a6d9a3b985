using Dr.Edge.Nbd;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

/// <summary>32-byte headers and 64-bit lengths, spoken by a client written from the protocol document.</summary>
public sealed class ExtendedHeaderTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_command_works_and_every_answer_is_an_extended_chunk_with_the_requests_offset(bool structuredFirst)
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = Extended(server, structuredFirst);
        var contexts = client.SelectContexts("volume", "base:allocation");
        client.Go("volume").Flags.HasFlag(NbdExportFlags.SendDontFragment).ShouldBeTrue();

        var data = new byte[8192];
        new Random(1).NextBytes(data);
        client.Write(4096, data, NbdCommandFlags.ForceUnitAccess).ShouldBe(NbdError.None);
        client.Read(4096, 8192).ShouldBe(data);
        foreach (var (command, offset, flags) in new[]
        {
            (NbdCommand.Flush, 0UL, NbdCommandFlags.None),
            (NbdCommand.Cache, 4096UL, NbdCommandFlags.None),
            (NbdCommand.Trim, 4096UL, NbdCommandFlags.ForceUnitAccess),
            (NbdCommand.WriteZeroes, 8192UL, NbdCommandFlags.FastZero | NbdCommandFlags.NoHole),
        })
        {
            client.Request(command, offset, 4096, 30, flags: flags);
            client.Answer(command, 30, offset).ShouldBe(NbdError.None, command.ToString());
        }

        client.Write(16384, data).ShouldBe(NbdError.None);
        client.Status(0, 1024 * 1024)[contexts["base:allocation"]].ShouldBe([(16384L, 3u), (8192L, 0u), ((1024 * 1024) - 24576L, 3u)]);
        client.Request(NbdCommand.Read, 2 * 1024 * 1024, 1, 31);
        client.Answer(NbdCommand.Read, 31, 2 * 1024 * 1024).ShouldBe(NbdError.Invalid);
        client.Request(NbdCommand.Read, 77, 0, 32);
        client.Answer(NbdCommand.Read, 32, 77).ShouldBe(NbdError.None);
    }

    [Fact]
    public async Task Changes_gathered_into_one_batch_are_each_answered_with_their_own_offset()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = Extended(server);
        client.Go("volume");
        client.Send([.. Enumerable.Range(0, 8).SelectMany(index =>
            ScriptedClient.RequestBytes(NbdCommand.Write, (ulong)index * 512, 512, (ulong)index, new byte[512], NbdCommandFlags.PayloadLength, ReplyForm.Extended))]);
        for (var index = 0UL; index < 8; index++)
        {
            client.Answer(NbdCommand.Write, index, index * 512).ShouldBe(NbdError.None);
        }
    }

    [Fact]
    public async Task A_payload_where_none_is_expected_is_consumed_and_refused()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = Extended(server);
        client.SelectContexts("volume", "base:allocation");
        client.Go("volume");
        foreach (var command in new[] { NbdCommand.Read, NbdCommand.Trim, NbdCommand.Flush, NbdCommand.BlockStatus, (NbdCommand)99 })
        {
            client.Request(command, 4096, 100_000, 40, new byte[100_000], NbdCommandFlags.PayloadLength);
            client.Answer(command, 40, 4096).ShouldBe(NbdError.Invalid, command.ToString());
        }

        client.Write(0, [1, 2, 3]).ShouldBe(NbdError.None);
        client.Read(0, 3).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public async Task Block_status_with_a_payload_answers_the_contexts_that_it_names()
    {
        await using var stand = await StoreServer.StartAsync(1024 * 1024);
        var before = stand.Volume.CreatePoint("before", Dr.Contracts.Mqtt.PointConsistency.Crash, reason: null);
        using var client = Extended(stand.Server);
        client.Go("volume", NbdOption.Info).Flags.HasFlag(NbdExportFlags.BlockStatusPayload).ShouldBeTrue();
        var ids = client.SelectContexts("volume", "base:allocation", "qemu:allocation-depth", $"qemu:dirty-bitmap:{before.Id}");
        client.Go("volume").Flags.HasFlag(NbdExportFlags.BlockStatusPayload).ShouldBeTrue();
        client.Write(4096, new byte[] { 1 }).ShouldBe(NbdError.None);
        var whole = client.Status(0, 16384);
        whole.Keys.ShouldBe(ids.Values, ignoreOrder: true);
        for (var wanted = 1; wanted < 8; wanted++)
        {
            uint[] some = [.. ids.Values.Where(id => (wanted & (1 << (int)(id - 1))) != 0).Reverse()];
            var part = client.FilteredStatus(0, 16384, some);
            part.Keys.ShouldBe(some, ignoreOrder: true);
            part.ShouldAllBe(pair => pair.Key == 3 || pair.Value.SequenceEqual(whole[pair.Key]));
        }

        // The range is the payload's, with 64 bits, and REQ_ONE holds as ever.
        client.FilteredStatus(8192, 4096, 1)[1].ShouldBe([(4096L, 3u)]);
        var payload = ScriptedClient.FilterBytes(1024 * 1024, 2);
        client.Request(NbdCommand.BlockStatus, 0, (ulong)payload.Length, 50, payload, NbdCommandFlags.PayloadLength | NbdCommandFlags.RequestOne);
        client.Chunk(50, 0).Data.Length.ShouldBe(8 + 16);
    }

    [Fact]
    public async Task Payloads_of_block_status_that_say_nothing_right_are_consumed_and_refused()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = Extended(server);
        client.SelectContexts("volume", "base:allocation", "qemu:allocation-depth");
        client.Go("volume");
        foreach (var (payload, why) in new[]
        {
            (ScriptedClient.FilterBytes(4096), "no context"),
            (ScriptedClient.FilterBytes(4096, 0), "no id"),
            (ScriptedClient.FilterBytes(4096, 3), "not selected"),
            (ScriptedClient.FilterBytes(4096, 33), "beyond any mask"),
            (ScriptedClient.FilterBytes(4096, uint.MaxValue), "the largest id"),
            (ScriptedClient.FilterBytes(4096, 1, 1), "twice"),
            (ScriptedClient.FilterBytes(4096, [.. Enumerable.Range(1, NbdLimits.MaxContexts + 1).Select(i => (uint)i)]), "more than can be selected"),
            ([.. ScriptedClient.FilterBytes(4096, 1), 0], "half an id"),
            ([1, 2, 3], "too short"),
            (ScriptedClient.FilterBytes(0, 1), "nothing asked about"),
            (ScriptedClient.FilterBytes(1024 * 1024, 1), "beyond the end"),
            (ScriptedClient.FilterBytes(ulong.MaxValue - 4095, 1), "a sum that wraps"),
        })
        {
            client.Request(NbdCommand.BlockStatus, 4096, (ulong)payload.Length, 51, payload, NbdCommandFlags.PayloadLength);
            client.Answer(NbdCommand.BlockStatus, 51, 4096).ShouldBe(NbdError.Invalid, why);
        }

        client.FilteredStatus(0, 4096, 2).Keys.ShouldBe([2u]);
    }

    [Fact]
    public async Task The_filter_is_offered_by_go_only_with_contexts_and_never_without_extended_headers()
    {
        await using var server = await NbdTestServer.StartAsync();
        using (var client = Extended(server))
        {
            client.Go("volume", NbdOption.Info).Flags.HasFlag(NbdExportFlags.BlockStatusPayload).ShouldBeTrue();
            client.Go("volume").Flags.HasFlag(NbdExportFlags.BlockStatusPayload).ShouldBeFalse();
        }

        using var other = server.Connect();
        other.Greet();
        other.AgreeStructuredReplies();
        other.SelectContexts("volume", "base:allocation");
        other.Go("volume", NbdOption.Info).Flags.HasFlag(NbdExportFlags.BlockStatusPayload).ShouldBeFalse();
        other.Go("volume").Flags.HasFlag(NbdExportFlags.BlockStatusPayload).ShouldBeFalse();
        other.Request(NbdCommand.BlockStatus, 0, 4096, 5, flags: NbdCommandFlags.PayloadLength);
        other.Answer(NbdCommand.BlockStatus, 5).ShouldBe(NbdError.Invalid);
    }

    [Fact]
    public async Task Payloads_beyond_the_promise_are_refused_without_memory_however_long_they_claim_to_be()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = Extended(server);
        client.Go("volume");
        client.Write(0, new byte[NbdLimits.MaxPayloadBytes + 1]).ShouldBe(NbdError.Overflow);
        client.Read(0, 1).ShouldBe([0]);
        client.Request(NbdCommand.Read, 0, ulong.MaxValue, 41);
        client.Answer(NbdCommand.Read, 41, 0).ShouldBe(NbdError.Overflow);
        client.Request(NbdCommand.Trim, 4096, ulong.MaxValue, 42);
        client.Answer(NbdCommand.Trim, 42, 4096).ShouldBe(NbdError.Invalid);

        // A payload that never ends: refused at once, and the connection goes on swallowing it.
        client.Request(NbdCommand.Write, 0, ulong.MaxValue, 43, new byte[64], NbdCommandFlags.PayloadLength);
        client.Answer(NbdCommand.Write, 43, 0).ShouldBe(NbdError.Overflow);
        for (var round = 0; round < 64; round++)
        {
            client.Send(new byte[1024 * 1024]);
        }

        server.Server.Pool.Rented.ShouldBe(0);
        using var other = server.Attach();
        other.Read(0, 512).ShouldBe(new byte[512]);
    }

    [Fact]
    public async Task Zeros_and_trims_of_terabytes_are_done_piece_by_piece_and_status_has_64_bits()
    {
        var directory = Directory.CreateTempSubdirectory("dr-nbd-huge-").FullName;
        const long Size = 8L << 40;
        using (var store = VolumeSet.Open(directory, TimeProvider.System))
        {
            store.Create("huge", Size);
            await using var server = await NbdTestServer.StartAsync(store);
            using var client = Extended(server);
            var contexts = client.SelectContexts("huge", "base:allocation");
            client.Go("huge").Size.ShouldBe((ulong)Size);
            client.Write(1UL << 42, new byte[] { 5 }).ShouldBe(NbdError.None);
            client.Status(0, (ulong)Size)[contexts["base:allocation"]].ShouldBe([(1L << 42, 3u), (4096L, 0u), (Size - (1L << 42) - 4096, 3u)]);

            client.Request(NbdCommand.WriteZeroes, 1, (ulong)Size - 2, 44, flags: NbdCommandFlags.ForceUnitAccess | NbdCommandFlags.FastZero);
            client.Answer(NbdCommand.WriteZeroes, 44, 1).ShouldBe(NbdError.None);
            client.Read(1UL << 42, 4096).ShouldBe(new byte[4096]);
            client.Request(NbdCommand.Trim, 0, (ulong)Size, 45);
            client.Answer(NbdCommand.Trim, 45, 0).ShouldBe(NbdError.None);
            client.Status(0, (ulong)Size)[contexts["base:allocation"]].ShouldBe([(Size, 3u)]);
        }

        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task The_option_takes_no_data_comes_once_and_takes_precedence()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var client = server.Connect();
        client.Greet();
        client.SendOption(NbdOption.ExtendedHeaders, [1]);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorInvalid);
        client.AgreeExtendedHeaders();
        client.SendOption(NbdOption.ExtendedHeaders, []);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorInvalid);
        client.SendOption(NbdOption.StructuredReply, []);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorExtendedHeadersRequired);
        client.SendOption(NbdOption.ExportName, "volume"u8);
        client.IsClosedByServer().ShouldBeTrue();
    }

    [Fact]
    public async Task A_compact_request_after_extended_headers_drops_that_connection_only()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var other = server.Attach();
        using var client = Extended(server);
        client.Go("volume");
        client.Send([.. ScriptedClient.RequestBytes(NbdCommand.Read, 0, 512), 0, 0, 0, 0]);
        client.IsClosedByServer().ShouldBeTrue();
        other.Read(0, 512).ShouldBe(new byte[512]);
    }

    private static ScriptedClient Extended(NbdTestServer server, bool structuredFirst = false)
    {
        var client = server.Connect();
        client.Greet();
        if (structuredFirst)
        {
            client.AgreeStructuredReplies();
        }

        client.AgreeExtendedHeaders();
        return client;
    }
}
