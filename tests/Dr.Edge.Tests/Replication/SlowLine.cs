using System.Diagnostics;
using System.Net.Sockets;

namespace Dr.Edge.Tests.Replication;

/// <summary>A line that carries so much in a second to the target, and answers as fast as they come.</summary>
internal sealed class SlowLine(string target, double bytesPerSecond) : TestLine(target)
{
    private const int Piece = 16 * 1024;

    protected override async Task CarryAsync(Socket source, Socket target, CancellationToken cancellationToken)
    {
        source.ReceiveBufferSize = Piece;
        await await Task.WhenAny(CopyAsync(source, target, bytesPerSecond, cancellationToken), CopyAsync(target, source, double.MaxValue, cancellationToken));
    }

    private static async Task CopyAsync(Socket from, Socket to, double bytesPerSecond, CancellationToken cancellationToken)
    {
        var buffer = new byte[Piece];
        var watch = Stopwatch.StartNew();
        double due = 0;
        while (await from.ReceiveAsync(buffer, SocketFlags.None, cancellationToken) is > 0 and var count)
        {
            due = Math.Max(due, watch.Elapsed.TotalSeconds) + (count / bytesPerSecond);
            if (TimeSpan.FromSeconds(due) - watch.Elapsed is { TotalMilliseconds: >= 1 } early)
            {
                await Task.Delay(early, cancellationToken);
            }

            for (var sent = 0; sent < count;)
            {
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None, cancellationToken);
            }
        }
    }
}
