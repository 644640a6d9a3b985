using System.Net.Sockets;
using Dr.Contracts.Errors;
using Dr.Edge.Nbd;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Nbd;

public sealed class NbdServerTests
{
    [Fact]
    public async Task A_handshake_that_takes_too_long_is_cut_and_a_session_never_is()
    {
        var time = new FakeTimeProvider();
        await using var server = await NbdTestServer.StartAsync(time: time);
        using var works = server.Attach();
        using var idle = server.Connect();
        idle.Greet();
        idle.SendOption(NbdOption.List, []);
        idle.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Server);
        idle.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);

        time.Advance(TimeSpan.FromSeconds(9.9));
        idle.Socket.Poll(TimeSpan.Zero, SelectMode.SelectRead).ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(0.2));
        idle.IsClosedByServer().ShouldBeTrue();
        works.Read(0, 512).ShouldBe(new byte[512]);
    }

    [Fact]
    public async Task What_the_server_needs_to_open_an_export_does_not_count_as_the_clients_time()
    {
        var time = new FakeTimeProvider();
        await using var server = await NbdTestServer.StartAsync(time: time);
        using var client = server.Connect();
        client.Greet();
        time.Advance(TimeSpan.FromSeconds(6));
        server.Catalog.Opening = () => time.Advance(TimeSpan.FromMinutes(1));
        client.SendOption(NbdOption.Info, ScriptedClient.InfoData("volume"));
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Info);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);

        time.Advance(TimeSpan.FromSeconds(3.9));
        client.Socket.Poll(TimeSpan.Zero, SelectMode.SelectRead).ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(0.2));
        client.IsClosedByServer().ShouldBeTrue();
    }

    [Fact]
    public async Task Idle_handshakes_give_way_to_new_clients_and_sessions_do_not()
    {
        await using var server = await NbdTestServer.StartAsync(limits: new NbdLimits { MaxConnections = 8 });
        using var works = server.Attach();
        var idle = Enumerable.Range(0, 7).Select(_ =>
        {
            var client = server.Connect();
            client.Greet();
            return client;
        }).ToList();

        using (var late = server.Attach())
        {
            late.Read(0, 512).ShouldBe(new byte[512]);
        }

        idle[0].IsClosedByServer().ShouldBeTrue();
        works.Read(0, 512).ShouldBe(new byte[512]);
        idle.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task One_address_cannot_take_every_place()
    {
        await using var server = await NbdTestServer.StartAsync(limits: new NbdLimits { MaxConnections = 8, MaxConnectionsPerAddress = 3 });
        using var first = server.Attach(unix: false);
        using var second = server.Attach(unix: false);
        using var idle = server.Connect(unix: false);
        idle.Greet();
        using (var third = server.Attach(unix: false))
        {
            // The address's own unfinished handshake made room; the next client finds none.
            idle.IsClosedByServer().ShouldBeTrue();
            using var tooMany = server.Connect(unix: false);
            tooMany.IsClosedByServer().ShouldBeTrue();
            using var other = server.Attach(unix: true);
            other.Read(0, 512).ShouldBe(new byte[512]);
            third.Read(0, 512).ShouldBe(new byte[512]);
        }

        (await ConnectionsFallToAsync(server, 2)).ShouldBeTrue();
        using var again = server.Attach(unix: false);
        first.Read(0, 512).ShouldBe(new byte[512]);
    }

    [Fact]
    public async Task Clients_beyond_the_limit_are_turned_away_and_200_are_served()
    {
        await using var server = await NbdTestServer.StartAsync(limits: new NbdLimits { MaxConnections = 200 });
        var clients = Enumerable.Range(0, 200).Select(index => server.Attach(unix: index % 2 == 0)).ToList();
        using (var tooMany = server.Connect())
        {
            tooMany.IsClosedByServer().ShouldBeTrue();
        }

        for (var index = 0; index < clients.Count; index++)
        {
            clients[index].Write((ulong)index * 512, [(byte)index]).ShouldBe(NbdError.None);
        }

        for (var index = 0; index < clients.Count; index++)
        {
            clients[index].Read((ulong)(199 - index) * 512, 1)[0].ShouldBe((byte)(199 - index));
        }

        clients.ForEach(client => client.Dispose());
        (await ConnectionsFallToAsync(server, 0)).ShouldBeTrue();
    }

    [Fact]
    public async Task On_shutdown_what_was_sent_is_answered_with_shutdown_and_the_lease_is_closed()
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
        client.Request(NbdCommand.Read, 0, 512, 1);
        await entered.Task;
        client.Request(NbdCommand.Write, 0, 512, 2, new byte[512]);
        client.Request(NbdCommand.Read, 0, 512, 3);

        var stop = server.Server.StopAsync(CancellationToken.None);
        stop.IsCompleted.ShouldBeFalse();
        held.Set();

        client.SimpleReply(1).ShouldBe(NbdError.None);
        client.Receive(512);
        client.SimpleReply(2).ShouldBe(NbdError.Shutdown);
        client.SimpleReply(3).ShouldBe(NbdError.Shutdown);
        client.IsClosedByServer().ShouldBeTrue();
        await stop;
        server.Catalog.OpenLeases.ShouldBe(0);
        device.WriteCalls.ShouldBe(0);
        File.Exists(server.SocketPath).ShouldBeFalse();
    }

    [Fact]
    public async Task Shutdown_does_not_wait_for_idle_clients_or_handshakes()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var idle = server.Attach();
        using var haggles = server.Connect(unix: false);
        haggles.Greet();
        await server.Server.StopAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(4));
        idle.IsClosedByServer().ShouldBeTrue();
        haggles.IsClosedByServer().ShouldBeTrue();
        server.Server.ConnectionCount.ShouldBe(0);
    }

    [Fact]
    public async Task A_stale_socket_file_is_replaced_and_a_living_one_is_not()
    {
        var directory = Directory.CreateTempSubdirectory("dr-nbd-").FullName;
        var path = Path.Combine(directory, "nbd.sock");
        using (var killed = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Moved, because a socket of ours that is closed in order takes its file along.
            killed.Bind(new UnixDomainSocketEndPoint(path + ".moved"));
            File.Move(path + ".moved", path);
        }

        File.Exists(path).ShouldBeTrue();
        using var first = NewServer(path);
        await first.StartAsync(CancellationToken.None);
        using var second = NewServer(path);
        (await Should.ThrowAsync<DrException>(() => second.StartAsync(CancellationToken.None))).Hint.ShouldNotBeNull();
        await first.StopAsync(CancellationToken.None);
        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public async Task An_address_in_use_is_one_clear_sentence_with_a_hint()
    {
        await using var server = await NbdTestServer.StartAsync();
        using var second = new NbdServer(server.Catalog, new NbdConfig { Listen = server.Tcp.ToString() }, new NbdLimits(), TimeProvider.System, NullLogger<NbdServer>.Instance);
        var refusal = await Should.ThrowAsync<DrException>(() => second.StartAsync(CancellationToken.None));
        refusal.Message.ShouldContain(server.Tcp.ToString());
        refusal.Hint.ShouldNotBeNull();

        using var nonsense = new NbdServer(server.Catalog, new NbdConfig { Listen = "10809" }, new NbdLimits(), TimeProvider.System, NullLogger<NbdServer>.Instance);
        await Should.ThrowAsync<DrException>(() => nonsense.StartAsync(CancellationToken.None));
    }

    private static NbdServer NewServer(string path) =>
        new(new MemoryCatalog(), new NbdConfig { Socket = path }, new NbdLimits(), TimeProvider.System, NullLogger<NbdServer>.Instance);

    private static async Task<bool> ConnectionsFallToAsync(NbdTestServer server, int count)
    {
        for (var round = 0; round < 3000 && server.Server.ConnectionCount > count; round++)
        {
            await Task.Delay(10);
        }

        return server.Server.ConnectionCount == count;
    }
}
