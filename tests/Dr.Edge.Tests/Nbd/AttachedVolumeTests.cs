using System.Text;
using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

/// <summary>What happens to a volume while clients have it, and many clients at once, on the real store.</summary>
public sealed class AttachedVolumeTests
{
    private const int Clients = 200;

    [Fact]
    public async Task A_demoted_volume_refuses_changes_to_clients_that_have_it_and_goes_on_reading()
    {
        await using var stand = await StoreServer.StartAsync();
        using var client = stand.Server.Attach();
        client.Write(0, [1, 2, 3]).ShouldBe(NbdError.None);
        stand.Volume.Demote(new Epoch(2));
        client.Write(0, [9]).ShouldBe(NbdError.NotPermitted);
        client.Request(NbdCommand.Trim, 0, 4096, 4);
        client.SimpleReply(4).ShouldBe(NbdError.NotPermitted);
        client.Read(0, 3).ShouldBe([1, 2, 3]);
        stand.Volume.Promote(new Epoch(3));
        client.Write(0, [9]).ShouldBe(NbdError.None);
        client.Read(0, 3).ShouldBe([9, 2, 3]);
    }

    [Fact]
    public async Task A_volume_that_grew_is_larger_for_new_clients_and_works_for_old_ones()
    {
        await using var stand = await StoreServer.StartAsync(1024 * 1024);
        using var old = stand.Server.Attach();
        old.Write(1024 * 1024 - 1, [7, 7]).ShouldBe(NbdError.NoSpace);
        stand.Volume.Resize(2 * 1024 * 1024);
        using var late = stand.Server.Connect();
        late.Greet();
        late.Go("volume").Size.ShouldBe(2UL * 1024 * 1024);
        late.Write((1024 * 1024) - 1, [7, 7]).ShouldBe(NbdError.None);
        old.Read((1024 * 1024) - 1, 1).ShouldBe([7]);
    }

    [Fact]
    public async Task An_attached_volume_is_not_deleted_and_a_detached_one_is_gone_for_everybody()
    {
        await using var stand = await StoreServer.StartAsync();
        using var other = stand.Server.Connect();
        other.Greet();
        using (var client = stand.Server.Attach())
        {
            Should.Throw<DrException>(() => stand.Store.Delete("volume")).Message.ShouldContain("attached by 1");
            client.Write(0, [1]).ShouldBe(NbdError.None);
        }

        await Eventually.TrueAsync("the client's connection ended", () => stand.Server.Server.ConnectionCount == 1);
        stand.Store.Delete("volume");
        other.List().ShouldBeEmpty();
        other.SendOption(NbdOption.Go, ScriptedClient.InfoData("volume"));
        other.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorUnknown);
    }

    [Fact]
    public async Task A_points_label_is_an_alias_and_info_tells_its_real_name()
    {
        await using var stand = await StoreServer.StartAsync();
        var point = stand.Volume.CreatePoint("before", PointConsistency.Crash, reason: null);
        using var client = stand.Server.Connect();
        client.Greet();
        client.SendOption(NbdOption.Info, ScriptedClient.InfoData("volume@before", (ushort)NbdInfoKind.Name, (ushort)NbdInfoKind.Description));
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Info);
        Encoding.UTF8.GetString(client.ReceiveReply().Data.AsSpan(2)).ShouldBe($"volume@{point.Id}");
        Encoding.UTF8.GetString(client.ReceiveReply().Data.AsSpan(2)).ShouldEndWith("crash-consistent, before");
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
    }

    [Fact]
    public async Task A_flush_on_one_connection_covers_writes_answered_on_another()
    {
        await using var stand = await StoreServer.StartAsync();
        using var writer = stand.Server.Attach();
        using var flusher = stand.Server.Attach(unix: false);
        writer.Write(0, new byte[100_000]).ShouldBe(NbdError.None);
        stand.Volume.Durable.ShouldBeLessThan(stand.Volume.Appended);
        flusher.Request(NbdCommand.Flush, 0, 0, 3);
        flusher.SimpleReply(3).ShouldBe(NbdError.None);
        stand.Volume.Durable.ShouldBe(stand.Volume.Appended);
        writer.Write(0, new byte[5], NbdCommandFlags.ForceUnitAccess).ShouldBe(NbdError.None);
        stand.Volume.Durable.ShouldBe(stand.Volume.Appended);
    }

    [Fact]
    public async Task Two_hundred_clients_work_at_once_beside_hostile_ones_in_bounded_memory()
    {
        await using var stand = await StoreServer.StartAsync();
        var hostile = Enumerable.Range(0, 20).Select(index => Hostile(stand.Server, index)).ToList();
        var clients = Enumerable.Range(0, Clients).Select(index => stand.Server.Attach(unix: index % 2 == 0)).ToList();
        stand.Server.Server.ConnectionCount.ShouldBeGreaterThanOrEqualTo(Clients);
        await Parallel.ForEachAsync(Enumerable.Range(0, Clients), new ParallelOptions { MaxDegreeOfParallelism = 16 }, (index, _) =>
        {
            var random = new Random(index);
            var (client, start) = (clients[index], (ulong)index * 256 * 1024);
            for (var round = 0; round < 5; round++)
            {
                var data = new byte[random.Next(1, 128 * 1024)];
                random.NextBytes(data);
                var offset = start + (ulong)random.Next(100_000);
                client.Write(offset, data).ShouldBe(NbdError.None);
                client.Read(offset, data.Length).AsSpan().SequenceEqual(data).ShouldBeTrue($"client {index}, round {round}");
            }

            client.Request(NbdCommand.Flush, 0, 0, 5);
            client.SimpleReply(5).ShouldBe(NbdError.None);
            return ValueTask.CompletedTask;
        });

        // Of what is shared nothing is taken but by the hostile ones that announced 32 MiB, and those not before they have sent more than a busy buffer.
        stand.Server.Server.Pool.Rented.ShouldBe(0);
        clients.ForEach(client => client.Dispose());
        hostile.ForEach(client => client.Dispose());
        await Eventually.TrueAsync("every place came free", () => stand.Server.Server.ConnectionCount == 0);
        stand.Store.Delete("volume");
    }

    /// <summary>Stays in the handshake, sends half a request, never reads its answers, or announces more than it sends.</summary>
    private static ScriptedClient Hostile(NbdTestServer server, int index)
    {
        var client = index % 4 == 0 ? server.Connect() : server.Attach();
        client.Socket.SendTimeout = 100;
        switch (index % 4)
        {
            case 1:
                client.Send(ScriptedClient.RequestBytes(NbdCommand.Write, 60 * 1024 * 1024, 4096).AsSpan(0, 20));
                break;
            case 2:
                for (var request = 0UL; request < 32 && client.TrySend(ScriptedClient.RequestBytes(NbdCommand.Read, 60 * 1024 * 1024, 256 * 1024, request)); request++)
                {
                }

                break;
            case 3:
                client.Send(ScriptedClient.RequestBytes(NbdCommand.Write, 32 * 1024 * 1024, NbdLimits.MaxPayloadBytes, payload: new byte[1000]));
                break;
        }

        return client;
    }
}
