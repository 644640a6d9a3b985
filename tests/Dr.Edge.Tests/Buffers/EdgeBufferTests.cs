using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Buffers;
using Dr.Edge.Link;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Buffers;

public sealed class EdgeBufferTests : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private readonly string _directory = Directory.CreateTempSubdirectory("dr-buffer-").FullName;
    private EdgeBuffer _buffer = null!;

    private string TransactionsPath => Path.Combine(_directory, "transactions.db");

    public async ValueTask InitializeAsync() => await OpenAsync();

    public async ValueTask DisposeAsync()
    {
        await _buffer.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Sequences_are_contiguous_per_lane_and_survive_a_restart()
    {
        await AddAsync(Lane.Transactions, "a");
        await AddAsync(Lane.Status, "s");
        (await AddAsync(Lane.Transactions, "b")).Sequence.ShouldBe(2);
        var stream = await _buffer.StreamAsync(None);
        await ReopenAsync();

        (await AddAsync(Lane.Transactions, "c")).ShouldBe(new OutboxReceipt(stream, 3, Duplicate: false));
        (await AddAsync(Lane.Status, "t")).Sequence.ShouldBe(2);
        (await ReadAsync(Lane.Transactions, 2)).Select(r => r.Key).ShouldBe(["b", "c"]);
    }

    [Fact]
    public async Task A_forgotten_lane_goes_on_counting()
    {
        for (var i = 0; i < 5; i++)
        {
            await AddAsync(Lane.Transactions, $"k{i}");
        }

        await _buffer.ForgetAsync(await _buffer.StreamAsync(None), Lane.Transactions, 5, None);
        await ReopenAsync();
        (await AddAsync(Lane.Transactions, "next")).Sequence.ShouldBe(6);
        (await ReadAsync(Lane.Transactions, 6)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task What_waits_is_counted_over_all_lanes_over_restarts_and_is_the_queue_of_every_beat()
    {
        await AddAsync(Lane.Transactions, "a");
        await AddAsync(Lane.Transactions, "b");
        await AddAsync(Lane.Transactions, "b"); // Twice the same is one.
        await AddAsync(Lane.Bulk, "c");
        _buffer.Waiting.ShouldBe(3);
        await ReopenAsync();
        _buffer.Waiting.ShouldBe(3);

        var draft = new BeatDraft();
        new OutboxLoadContributor(_buffer).Contribute(draft);
        draft.Load.QueueLength.ShouldBe(3);
        BeatSchedule.Stretch(new LoadLimits { QueueLength = 2 }, draft.Load).ShouldBe(1.5, "a device that cannot get rid of its rows sends its beats less often");

        await _buffer.ForgetAsync(await _buffer.StreamAsync(None), Lane.Transactions, 2, None);
        _buffer.Waiting.ShouldBe(1);
    }

    [Fact]
    public async Task An_acknowledgement_of_another_stream_forgets_nothing()
    {
        await AddAsync(Lane.Transactions, "a");
        await _buffer.ForgetAsync(Guid.NewGuid(), Lane.Transactions, 1, None);
        (await ReadAsync(Lane.Transactions, 1)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_business_key_is_taken_once_also_after_delivery_and_restart()
    {
        (await AddAsync(Lane.Transactions, "k")).Duplicate.ShouldBeFalse();
        (await AddAsync(Lane.Transactions, "k")).ShouldBe(new OutboxReceipt(await _buffer.StreamAsync(None), 1, Duplicate: true));
        await _buffer.ForgetAsync(await _buffer.StreamAsync(None), Lane.Transactions, 1, None);
        await ReopenAsync();
        (await AddAsync(Lane.Transactions, "k")).Duplicate.ShouldBeTrue();
        (await AddAsync(Lane.Bulk, "k")).Duplicate.ShouldBeFalse();
    }

    [Fact]
    public async Task A_full_outbox_refuses_clearly_keeps_the_last_part_for_transactions_and_still_drains()
    {
        await ReopenAsync(limitBytes: 100_000);
        var body = new string('x', 1_000);
        var refused = await Should.ThrowAsync<DrException>(async () =>
        {
            for (var i = 0; ; i++)
            {
                await AddAsync(Lane.Status, null, body);
            }
        });
        refused.Hint.ShouldNotBeNull();
        var transactions = 0;
        await Should.ThrowAsync<DrException>(async () =>
        {
            for (; ; transactions++)
            {
                await AddAsync(Lane.Transactions, $"t{transactions}", body);
            }
        });
        transactions.ShouldBeInRange(3, 8);

        (await ReadAsync(Lane.Transactions, 1)).Count.ShouldBe(transactions);
        await _buffer.ForgetAsync(await _buffer.StreamAsync(None), Lane.Status, 10, None);
        await AddAsync(Lane.Transactions, "room again", body);
    }

    [Fact]
    public async Task Under_pressure_the_status_lane_keeps_the_newest_of_each_key()
    {
        await ReopenAsync(limitBytes: 200_000);
        var body = new string('x', 1_000);
        for (var i = 0; i < 500; i++)
        {
            await AddAsync(Lane.Status, $"door {i % 10}", $"{i:d4}{body}");
        }

        var rows = new List<DataRow>();
        while (await ReadAsync(Lane.Status, rows.Count + 1) is { Count: > 0 } more)
        {
            rows.AddRange(more);
        }

        rows.Count.ShouldBe(500, "the sequence stays contiguous");
        rows.Where(r => r.Key is not null).TakeLast(10).Select(r => r.Body[..4]).ShouldBe(Enumerable.Range(490, 10).Select(i => $"{i:d4}"));
        rows.Count(r => r.Kind == DataRow.Superseded).ShouldBeGreaterThan(300);
    }

    [Fact]
    public async Task Bulk_waits_for_room_instead_of_failing()
    {
        await ReopenAsync(limitBytes: 100_000);
        var body = new string('x', 10_000);
        var adding = Task.Run(async () =>
        {
            for (var i = 0; i < 20; i++)
            {
                await AddAsync(Lane.Bulk, null, body);
            }
        });
        while (!adding.IsCompleted)
        {
            var content = await _buffer.ReadAsync(Lane.Bulk, default, 0, None);
            content.Range.Count.ShouldBeLessThanOrEqualTo(9);
            await _buffer.ForgetAsync(content.Stream, Lane.Bulk, content.Range.First, None);
        }

        await adding;
        (await _buffer.ReadAsync(Lane.Bulk, default, 0, None)).Range.Last.ShouldBe(20);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_damaged_file_is_set_aside_and_the_agent_goes_on_with_a_new_stream(bool onlyOneRow)
    {
        for (var i = 0; i < 200; i++)
        {
            await AddAsync(Lane.Transactions, $"k{i}", new string('x', 100));
        }

        var stream = await _buffer.StreamAsync(None);
        var epoch = await _buffer.NextDeviceEpochAsync(None);
        await _buffer.DisposeAsync();
        var bytes = await File.ReadAllBytesAsync(TransactionsPath);
        // Either the header, or one letter of one row's body, which only the row's own checksum can notice.
        bytes[onlyOneRow ? bytes.AsSpan().IndexOf("xxxxxxxx"u8) : 100] ^= 0x01;
        if (!onlyOneRow)
        {
            bytes.AsSpan(0, 4_096).Fill(0x5a);
        }

        await File.WriteAllBytesAsync(TransactionsPath, bytes);
        await OpenAsync();

        _buffer.SetAside.Count.ShouldBe(1);
        (await File.ReadAllBytesAsync(_buffer.SetAside[0].File)).ShouldBe(bytes, "the evidence stays as it was found");
        (await _buffer.StreamAsync(None)).ShouldNotBe(stream);
        (await AddAsync(Lane.Transactions, "k0")).Sequence.ShouldBe(1);
        (await ReadAsync(Lane.Status, 1)).ShouldHaveSingleItem().Kind.ShouldBe("buffer.damaged");
        (await _buffer.NextDeviceEpochAsync(None)).ShouldBeGreaterThan(epoch);
    }

    [Fact]
    public async Task The_device_epoch_grows_with_every_call_and_over_restarts()
    {
        var first = await _buffer.NextDeviceEpochAsync(None);
        var second = await _buffer.NextDeviceEpochAsync(None);
        await ReopenAsync();
        var third = await _buffer.NextDeviceEpochAsync(None);
        second.ShouldBeGreaterThan(first);
        third.ShouldBeGreaterThan(second);
    }

    [Fact]
    public async Task Epochs_seen_only_grow_and_survive_a_restart()
    {
        var dilas = new SystemId("dilas");
        using var memory = new StoredEpochMemory(_buffer);
        (await memory.SeeAsync(dilas, new Epoch(4), None)).ShouldBeTrue();
        (await memory.SeeAsync(dilas, new Epoch(3), None)).ShouldBeFalse();
        (await memory.SeeAsync(dilas, new Epoch(4), None)).ShouldBeTrue();
        await ReopenAsync();
        using var again = new StoredEpochMemory(_buffer);
        await again.LoadAsync(None);
        again.Highest(dilas).ShouldBe(new Epoch(4));
        (await again.SeeAsync(dilas, new Epoch(3), None)).ShouldBeFalse();
    }

    [Fact]
    public async Task A_result_is_unconfirmed_until_it_is_confirmed_and_known_ever_after()
    {
        var id = new CommandId("c1");
        await _buffer.AcceptCommandAsync(id, None);
        (await _buffer.FindCommandAsync(id, None))!.ResultJson.ShouldBeNull();
        await _buffer.FinishCommandAsync(new CommandResult { Id = id, Outcome = CommandOutcome.Done, Detail = "once" }, None);
        await ReopenAsync();
        (await _buffer.UnconfirmedResultsAsync(None)).ShouldHaveSingleItem().Detail.ShouldBe("once");
        await _buffer.ConfirmResultsAsync([id], None);
        await ReopenAsync();
        (await _buffer.UnconfirmedResultsAsync(None)).ShouldBeEmpty();
        EdgeBuffer.ResultOf((await _buffer.FindCommandAsync(id, None))!)!.Detail.ShouldBe("once");
    }

    private async Task OpenAsync(long limitBytes = 64 << 20)
    {
        _buffer = new EdgeBuffer(
            new BufferOptions { Directory = _directory, TransactionBytesMax = limitBytes, BulkBytesMax = limitBytes }, "boot", TimeProvider.System, NullLogger<EdgeBuffer>.Instance);
        await _buffer.OpenAsync(None);
    }

    private async Task ReopenAsync(long limitBytes = 64 << 20)
    {
        await _buffer.DisposeAsync();
        await OpenAsync(limitBytes);
    }

    private Task<OutboxReceipt> AddAsync(Lane lane, string? key, string body = "{}") =>
        _buffer.AddAsync(lane, new DataRow { Kind = "test", Key = key, At = DateTimeOffset.UtcNow, Body = body }, None);

    private async Task<IReadOnlyList<DataRow>> ReadAsync(Lane lane, long first)
    {
        var stream = (await _buffer.ReadAsync(lane, default, 0, None)).Stream;
        return (await _buffer.ReadAsync(lane, stream, first, None)).Rows;
    }
}
