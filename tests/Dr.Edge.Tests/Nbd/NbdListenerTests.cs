using System.Net;
using System.Net.Sockets;
using Dr.Edge.Nbd;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Nbd;

public sealed class NbdListenerTests
{
    [Fact]
    public async Task A_client_that_cannot_be_taken_does_not_keep_the_next_one_out()
    {
        using var stop = new CancellationTokenSource();
        using var listener = await NbdListener.ListenTcpAsync("127.0.0.1:0", NullLogger.Instance, CancellationToken.None);
        var accepted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var count = 0;
        var loop = listener.RunAsync(
            socket =>
            {
                socket.Dispose();
                if (++count == 1)
                {
                    throw new NotSupportedException("a fault that nobody thought of");
                }

                accepted.TrySetResult();
            },
            stop.Token);
        for (var client = 0; client < 2; client++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync((IPEndPoint)listener.EndPoint);
        }

        await accepted.Task.WaitAsync(TimeSpan.FromSeconds(10));
        await stop.CancelAsync();
        await loop.WaitAsync(TimeSpan.FromSeconds(10));
    }
}
