using System.Buffers.Binary;
using System.Net.Sockets;
using Dr.Contracts.Wire;

namespace Dr.Edge.Tests.Replication.Failback;

/// <summary>Counts the whole frames that pass on all lines that share it, in both directions, and says after which one every line breaks.</summary>
internal sealed class FrameCounter(int cutAfter)
{
    private readonly Lock _lock = new(); // Guards the rest, and is held while a frame is given to the kernel: what is counted is on its way before the cut.
    private readonly HashSet<Socket> _open = [];

    public int Frames { get; private set; }

    public bool HasCut { get; private set; }

    public bool TryAdd(Socket socket)
    {
        lock (_lock)
        {
            return _open.Add(socket);
        }
    }

    public void Remove(Socket socket)
    {
        lock (_lock)
        {
            _open.Remove(socket);
        }
    }

    /// <summary>False when the line broke instead.</summary>
    public bool Pass()
    {
        lock (_lock)
        {
            if (!HasCut && Frames == cutAfter)
            {
                HasCut = true;
                foreach (var socket in _open)
                {
                    socket.Dispose();
                }

                return false;
            }

            Frames++;
            return true;
        }
    }
}

/// <summary>A line that carries whole frames only and is cut, once, exactly between two of them.</summary>
internal sealed class FrameLine(string target, FrameCounter counter) : TestLine(target)
{
    protected override async Task CarryAsync(Socket source, Socket target, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            (source.NoDelay, target.NoDelay) = (true, true);
            counter.TryAdd(source);
            counter.TryAdd(target);
            Task[] ways = [CopyAsync(source, target, end.Token), CopyAsync(target, source, end.Token)];
            await Task.WhenAny(ways);
            await end.CancelAsync();
            await Task.WhenAll(ways);
        }
        finally
        {
            counter.Remove(source);
            counter.Remove(target);
        }
    }

    private async Task CopyAsync(Socket from, Socket to, CancellationToken cancellationToken)
    {
        var frame = new byte[FrameCodec.HeaderSize + FrameCodec.MaxPayload];
        while (await FillAsync(from, frame.AsMemory(0, FrameCodec.HeaderSize), cancellationToken))
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(frame.AsSpan(FrameCodec.PayloadLengthOffset));
            if (!await FillAsync(from, frame.AsMemory(FrameCodec.HeaderSize, length), cancellationToken) || !counter.Pass())
            {
                return;
            }

            for (var sent = 0; sent < FrameCodec.HeaderSize + length;)
            {
                sent += await to.SendAsync(frame.AsMemory(sent, FrameCodec.HeaderSize + length - sent), SocketFlags.None, cancellationToken);
            }
        }
    }

    private static async Task<bool> FillAsync(Socket from, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (buffer.Length > 0)
        {
            var count = await from.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
            if (count == 0)
            {
                return false;
            }

            buffer = buffer[count..];
        }

        return true;
    }
}
