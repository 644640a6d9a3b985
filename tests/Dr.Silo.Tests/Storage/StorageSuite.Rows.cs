using Dapper;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Silo.Tests.Storage;

/// <summary>Rows of devices: once, in order, whatever is delivered again.</summary>
public abstract partial class StorageSuite
{
    private static readonly DeviceId Kiosk = new("kiosk-1");

    private readonly Guid _stream = Guid.NewGuid();

    [Fact]
    public async Task Rows_are_taken_once_whatever_is_delivered_again_and_however()
    {
        (await CommitAsync(1, "a", "b", "c")).ShouldBe(3);
        (await CommitAsync(1, "a", "b", "c")).ShouldBe(3);
        (await CommitAsync(3, "c", "d")).ShouldBe(4);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => CommitAsync(5, "e", "f")));

        (await KeysAsync()).ShouldBe(["a", "b", "c", "d", "e", "f"]);
    }

    [Fact]
    public async Task A_gap_takes_nothing_and_answers_the_old_high_water()
    {
        await CommitAsync(1, "a");

        (await CommitAsync(3, "c")).ShouldBe(1);
        (await KeysAsync()).ShouldBe(["a"]);
    }

    [Fact]
    public async Task A_row_refused_for_its_content_is_set_aside_and_the_lane_goes_on()
    {
        var batch = Batch(1, "a", "b", "c");
        (await CommitAsync(batch with { Rows = [batch.Rows[0], batch.Rows[1] with { Body = "{not json" }, batch.Rows[2]] })).ShouldBe(3);

        (await KeysAsync()).ShouldBe(["a", "c"]);
        (await DeadLettersAsync()).Single().ShouldContain("not JSON");
    }

    [Fact]
    public async Task The_same_business_key_in_another_stream_is_set_aside()
    {
        await CommitAsync(1, "a");
        (await CommitAsync(Batch(1, "a") with { Stream = Guid.NewGuid() })).ShouldBe(1);

        (await KeysAsync()).ShouldBe(["a"]);
        (await DeadLettersAsync()).Single().ShouldContain("taken before");
    }

    [Fact]
    public async Task A_status_key_may_come_again_and_a_superseded_row_only_holds_its_place()
    {
        var batch = Batch(1, "power", "power", "power") with { Lane = 1 };
        (await CommitAsync(batch with { Rows = [batch.Rows[0], batch.Rows[1] with { Kind = DataRow.Superseded }, batch.Rows[2]] })).ShouldBe(3);

        (await KeysAsync()).ShouldBe(["power", "power"]);
        (await DeadLettersAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Rows_that_an_older_storage_lost_are_recorded_and_the_lane_goes_on()
    {
        (await CommitAsync(Batch(7, "g", "h") with { Oldest = 7 })).ShouldBe(8);

        (await DeadLettersAsync()).Single().ShouldContain("Rows 1 to 6");
    }

    private Task<long> CommitAsync(long first, params string[] keys) => CommitAsync(Batch(first, keys));

    private Task<long> CommitAsync(DataBatch batch) =>
        new DataSink(Database, TimeProvider.System, NullLogger<DataSink>.Instance).CommitAsync(Kiosk, batch, CancellationToken.None);

    private DataBatch Batch(long first, params string[] keys) => new()
    {
        DeviceEpoch = 1,
        Stream = _stream,
        Lane = 0,
        First = first,
        Rows = [.. keys.Select(key => new DataRow { Kind = "kiosk.transaction", Key = key, At = TimeProvider.System.GetUtcNow(), Body = "{}" })],
    };

    private async Task<IReadOnlyList<string>> KeysAsync()
    {
        await using var connection = await Database.OpenAsync(CancellationToken.None);
        return [.. await connection.QueryAsync<string>("select key from dr_row order by stream, lane, sequence")];
    }

    private async Task<IReadOnlyList<string>> DeadLettersAsync()
    {
        await using var connection = await Database.OpenAsync(CancellationToken.None);
        return [.. await connection.QueryAsync<string>("select reason from dr_dead_letter order by sequence")];
    }
}
