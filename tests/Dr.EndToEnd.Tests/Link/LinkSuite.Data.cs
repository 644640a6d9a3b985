using Dr.Contracts.Mqtt;
using Dr.Contracts.Mqtt.Client;
using Dr.Edge.Buffers;

namespace Dr.EndToEnd.Tests.Link;

public abstract partial class LinkSuite
{
    [Fact]
    public async Task Rows_of_all_lanes_arrive_once_and_in_order_and_leave_the_outbox()
    {
        await using var edge = await StartEdgeAsync();
        var large = new string('x', 3_000);
        await Task.WhenAll(Enumerable.Range(0, 300).Select(i => edge.AddAsync(i, $"{{\"n\":{i},\"t\":\"{large}\"}}")));
        foreach (var lane in new[] { Lane.Status, Lane.Bulk })
        {
            for (var i = 0; i < 60; i++)
            {
                await edge.Outbox.AddAsync(lane, new DataRow { Kind = "test", At = DateTimeOffset.UtcNow, Body = $"{i}" }, CancellationToken.None);
            }
        }

        await UntilDeliveredAsync(edge, 300);
        await Eventually.TrueAsync("the other lanes arrived", () => _silo.Plane.Rows(edge.Device, 1).Count >= 60 && _silo.Plane.Rows(edge.Device, 2).Count >= 60);
        _silo.Plane.Rows(edge.Device, 0).Select(r => r.Key).Order().ShouldBe(Enumerable.Range(0, 300).Select(i => $"t{i}").Order());
        _silo.Plane.Rows(edge.Device, 1).Select(r => r.Body).ShouldBe(Enumerable.Range(0, 60).Select(i => $"{i}"));
        _silo.Plane.Rows(edge.Device, 2).Select(r => r.Body).ShouldBe(Enumerable.Range(0, 60).Select(i => $"{i}"));
        (await edge.Buffer.ReadAsync(Lane.Bulk, default, 0, CancellationToken.None)).Range.Last.ShouldBe(60);
    }

    [Fact]
    public async Task A_broker_that_dies_in_mid_stream_loses_nothing_and_doubles_nothing()
    {
        const int Count = 3_000;
        await using var edge = await StartEdgeAsync();
        await UntilBornAsync();
        using var done = new CancellationTokenSource();
        var adding = Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
            {
                await edge.AddAsync(i);
            }
        });
        for (var kill = 0; kill < 3; kill++)
        {
            var before = _silo.Plane.Rows(edge.Device, 0).Count;
            await Eventually.TrueAsync("rows flow", () => _silo.Plane.Rows(edge.Device, 0).Count > before || adding.IsCompleted);
            await _broker.KillAsync();
            await _broker.StartAsync();
        }

        await adding;
        await UntilDeliveredAsync(edge, Count);
        _silo.Plane.Rows(edge.Device, 0).Select(r => r.Key).ShouldBe(Enumerable.Range(0, Count).Select(i => $"t{i}"));
        _silo.Plane.Losses.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_storage_that_fails_now_and_then_and_a_line_that_is_cut_lose_nothing()
    {
        const int Count = 2_000;
        await using var proxy = new CutProxy(_broker.Address);
        await using var edge = await TestEdge.StartAsync("kiosk-1", _data, proxy.Address);
        _silo.Plane.FailEvery = 7;
        for (var i = 0; i < Count; i++)
        {
            await edge.AddAsync(i);
            if (i % 700 == 699)
            {
                proxy.Cut();
            }
        }

        await UntilDeliveredAsync(edge, Count);
        _silo.Plane.Rows(edge.Device, 0).Select(r => r.Key).ShouldBe(Enumerable.Range(0, Count).Select(i => $"t{i}"));
    }

    [Fact]
    public async Task Rubbish_on_any_topic_is_set_aside_and_the_next_message_is_heard()
    {
        await using var edge = await StartEdgeAsync();
        await UntilBornAsync();
        await using (var stranger = await new BrokerConnector(TimeProvider.System).ConnectAsync(new BrokerSession { Broker = _broker.Address, ClientId = "stranger" }, CancellationToken.None))
        {
            string[] topics =
            [
                Topics.Up(edge.Device, UpChannel.Birth), Topics.Up(edge.Device, UpChannel.Beat), Topics.Up(edge.Device, UpChannel.Data), Topics.Up(edge.Device, UpChannel.Result),
                Topics.State(edge.Device), Topics.Up(edge.Device, "other"), Topics.Down(edge.Device, DownChannel.Ack), Topics.Down(edge.Device, DownChannel.Command), Topics.Down(edge.Device, DownChannel.Config),
                "dr/v1/zz/kiosk-1/up/beat", "dr/v1/00/../up/beat",
            ];
            byte[][] payloads = [[], "{"u8.ToArray(), "null"u8.ToArray(), "{}"u8.ToArray(), "[1,2]"u8.ToArray(), [0xff, 0xfe, 0x00], "{\"kind\":\"no.such\"}"u8.ToArray()];
            foreach (var topic in topics)
            {
                foreach (var payload in payloads)
                {
                    foreach (var type in new[] { PayloadCodec.Json, PayloadCodec.BrotliJson, "text/plain" })
                    {
                        await stranger.PublishAsync(new OutboundMessage(topic, payload, type, AtLeastOnce: true), CancellationToken.None);
                    }
                }
            }
        }

        await edge.AddAsync(1);
        await UntilDeliveredAsync(edge, 1);
        _silo.Connected.ShouldBeTrue();
        edge.State.Connected.ShouldBeTrue();
        _silo.Plane.Births.Count.ShouldBe(1);
    }

    private Task UntilDeliveredAsync(TestEdge edge, int count) => Eventually.TrueAsync(
        $"{count} rows are committed and gone from the outbox ({_silo.Plane.Rows(edge.Device, 0).Count} so far)",
        async () => _silo.Plane.Rows(edge.Device, 0).Count >= count && (await edge.Buffer.ReadAsync(Lane.Transactions, default, 0, CancellationToken.None)).Range.Count == 0,
        TimeSpan.FromSeconds(120));
}
