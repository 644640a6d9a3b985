using Dr.Contracts.Ids;
using Dr.Edge.Nbd;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

/// <summary>Changes that wait for a copy: what stands behind them goes on its way, and each is answered when it is confirmed and not before.</summary>
public sealed class UnconfirmedChangesTests
{
    private const int MostUnconfirmed = 2 * NbdLimits.MaxBatchExtents;
    private readonly LateDevice _device = new(1024 * 1024);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_stands_behind_a_change_that_waits_is_done_and_each_is_answered_when_it_is_confirmed(bool unix)
    {
        await using var server = await StartAsync();
        using var client = server.Attach("late", unix: unix);
        for (var cookie = 1UL; cookie <= 5; cookie++)
        {
            client.Request(NbdCommand.Write, cookie * 4096, 4096, cookie, new byte[4096]);
            await Eventually.TrueAsync($"write {cookie} is with the device", () => _device.Appended == (long)cookie);
        }

        client.Socket.Available.ShouldBe(0);
        _device.ConfirmUpTo(1);
        client.SimpleReply(1).ShouldBe(NbdError.None);
        _device.ConfirmUpTo(4);
        for (var cookie = 2UL; cookie <= 4; cookie++)
        {
            client.SimpleReply(cookie).ShouldBe(NbdError.None);
        }

        client.Socket.Available.ShouldBe(0);
        _device.ConfirmUpTo(5);
        client.SimpleReply(5).ShouldBe(NbdError.None);
    }

    [Fact]
    public async Task A_read_behind_changes_that_wait_is_answered_with_them_and_not_before()
    {
        await using var server = await StartAsync();
        using var client = server.Attach("late");
        byte[] data = [.. Enumerable.Repeat((byte)7, 4096)];
        client.Request(NbdCommand.Write, 0, 4096, 1, data);
        await Eventually.TrueAsync("the write is with the device", () => _device.Appended == 1);
        client.Request(NbdCommand.Read, 0, 4096, 2);
        await Eventually.TrueAsync("the read has come", () => server.Server.Totals().Requests == 2);
        await Task.Delay(50);
        client.Socket.Available.ShouldBe(0);
        _device.ConfirmUpTo(1);
        client.SimpleReply(2).ShouldBe(NbdError.None);
        client.Receive(4096).ShouldBe(data);
        client.SimpleReply(1).ShouldBe(NbdError.None);
    }

    [Fact]
    public async Task A_client_that_has_stopped_sending_gets_the_answers_that_wait()
    {
        await using var server = await StartAsync();
        using var client = server.Attach("late");
        client.Request(NbdCommand.Write, 0, 4096, 1, new byte[4096]);
        await Eventually.TrueAsync("the write is with the device", () => _device.Appended == 1);
        client.TryShutdownSend();
        await Task.Delay(50);
        client.Socket.Available.ShouldBe(0);
        _device.ConfirmUpTo(1);
        client.SimpleReply(1).ShouldBe(NbdError.None);
        client.IsClosedByServer().ShouldBeTrue();
    }

    [Fact]
    public async Task A_right_that_ends_answers_all_that_waits_with_an_error_although_nobody_is_woken()
    {
        await using var server = await StartAsync();
        using var client = server.Attach("late");
        for (var cookie = 1UL; cookie <= 3; cookie++)
        {
            client.Request(NbdCommand.Write, cookie * 4096, 4096, cookie, new byte[4096]);
            await Eventually.TrueAsync($"write {cookie} is with the device", () => _device.Appended == (long)cookie);
        }

        _device.ConfirmUpTo(1);
        client.SimpleReply(1).ShouldBe(NbdError.None);
        _device.EndRight();
        client.SimpleReply(2).ShouldBe(NbdError.NotPermitted);
        client.SimpleReply(3).ShouldBe(NbdError.NotPermitted);
    }

    [Fact]
    public async Task Of_more_changes_than_may_wait_the_rest_waits_its_turn()
    {
        const int Writes = MostUnconfirmed + 500;
        await using var server = await StartAsync();
        using var client = server.Attach("late");
        var sending = Task.Run(() =>
        {
            for (var cookie = 1; cookie <= Writes; cookie++)
            {
                client.Request(NbdCommand.Write, (ulong)(cookie % 2048 * 512), 512, (ulong)cookie, new byte[512]);
            }
        });
        await Eventually.TrueAsync("as many as may wait are with the device", () => _device.Appended > MostUnconfirmed - NbdLimits.MaxBatchExtents);
        _device.Appended.ShouldBeLessThanOrEqualTo(MostUnconfirmed);
        _device.ConfirmUpTo(Writes);
        for (var cookie = 1; cookie <= Writes; cookie++)
        {
            client.SimpleReply((ulong)cookie).ShouldBe(NbdError.None);
        }

        await sending;
    }

    [Fact]
    public void They_are_a_queue_whose_ticket_stands_for_all()
    {
        var (changes, model, random) = (new UnconfirmedChanges(), new Queue<(WriteTicket Ticket, ulong Cookie)>(), new Random(1));
        for (var step = 0; step < 10_000; step++)
        {
            if (changes.Room > 0 && random.Next(100) < (step / 2500 % 2 == 0 ? 70 : 30))
            {
                var ticket = new WriteTicket(new SequenceNumber(step + 1), new SequenceNumber(random.Next(3) == 0 ? step + 1 : 0));
                changes.Add(ticket, (ulong)step, 0);
                model.Enqueue((ticket, (ulong)step));
            }
            else if (model.TryDequeue(out var oldest))
            {
                changes.Oldest.ShouldBe(oldest.Ticket);
                changes.Take().Cookie.ShouldBe(oldest.Cookie);
            }

            changes.Count.ShouldBe(model.Count);
            if (model.Count == 0)
            {
                changes.All.ShouldBe(default);
            }
            else
            {
                model.Aggregate(default(WriteTicket), (all, change) => all.And(change.Ticket)).Written.ShouldBe(changes.All.Written);
                changes.All.Flushed.ShouldBeGreaterThanOrEqualTo(model.Max(c => c.Ticket.Flushed.Value) is var flushed ? new SequenceNumber(flushed) : default);
            }
        }
    }

    [Fact]
    public async Task A_wait_for_input_ends_with_input_a_wake_up_that_came_first_or_during_it_and_the_time()
    {
        var patience = TimeSpan.FromSeconds(30);
        using var listener = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen();
        using var client = ScriptedClient.ConnectTcp((System.Net.IPEndPoint)listener.LocalEndPoint!);
        using var channel = new SocketChannel(await listener.AcceptAsync(), patience, "test");
        using var waker = InputWaker.TryCreate()!;

        channel.WaitForInput(waker, TimeSpan.FromMilliseconds(20)).ShouldBeFalse("nothing came");
        var watch = System.Diagnostics.Stopwatch.StartNew();
        waker.Wake();
        channel.WaitForInput(waker, patience).ShouldBeFalse("woken before");
        for (var i = 0; i < 100; i++)
        {
            var waiting = Task.Run(() => channel.WaitForInput(waker, patience));
            await Task.Delay(i % 3);
            waker.Wake();
            (await waiting).ShouldBeFalse("woken during it, or before");
        }

        client.Send([1]);
        channel.WaitForInput(waker, patience).ShouldBeTrue();
        waker.Wake();
        channel.Receive(new byte[1]).ShouldBe(1);
        client.TryShutdownSend();
        await Task.Run(() => channel.WaitForInput(waker, patience) || channel.WaitForInput(waker, patience)).ContinueWith(t => t.Result.ShouldBeTrue("an end is input"), TaskScheduler.Default);
        watch.Elapsed.ShouldBeLessThan(patience, "none of them ended by its time");
    }

    private async Task<NbdTestServer> StartAsync()
    {
        var server = await NbdTestServer.StartAsync();
        server.Catalog.Add("late", _device);
        return server;
    }
}
