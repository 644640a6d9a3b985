using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;

namespace Dr.Edge.Tests.Replication;

public sealed class ReplicationListenerTests : TwoNodeTest
{
    [Fact]
    public async Task More_connections_than_there_are_places_are_turned_away_and_a_source_comes_in_when_they_have_gone()
    {
        var silent = new List<Socket>();
        try
        {
            for (var i = 0; i < ReplicationListener.MaxSources; i++)
            {
                silent.Add(await ConnectAsync());
            }

            using var oneTooMany = await ConnectAsync();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            (await oneTooMany.ReceiveAsync(new byte[1], SocketFlags.None, patience.Token)).ShouldBe(0, "turned away");
        }
        finally
        {
            silent.ForEach(socket => socket.Dispose());
        }

        var volume = Production.Set.Create("dilas", 1 << 20);
        volume.WriteAt(0, [1, 2, 3]);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Stream, null, default);
        await SyncAsync(volume);
    }

    private async Task<Socket> ConnectAsync()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(Backup.Address));
        return socket;
    }
}
