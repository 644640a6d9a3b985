using System.Net.Sockets;

namespace Dr.Edge.Tests.Replication;

/// <summary>A line between two nodes that can be cut after so many bytes, and can flip a byte or send some twice on the way.</summary>
internal sealed class CutLine(string target) : TestLine(target)
{
    private long _budget = long.MaxValue;
    private Fault _fault;
    private bool _ofAnswers;

    public enum Fault
    {
        Cut,
        Flip,
        Twice,
    }

    public int Faults { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>The first bytes that the source sent.</summary>
    public byte[] First { get; private set; } = [];

    /// <summary>After this many more bytes from the source (or of the target's answers) the fault happens, once.</summary>
    public void FailAfter(long bytes, Fault fault, bool ofAnswers = false)
    {
        (_fault, _ofAnswers) = (fault, ofAnswers);
        Interlocked.Exchange(ref _budget, bytes);
    }

    protected override async Task CarryAsync(Socket source, Socket target, CancellationToken cancellationToken)
    {
        var first = await Task.WhenAny(CopyAsync(source, target, isAnswers: false, cancellationToken), CopyAsync(target, source, isAnswers: true, cancellationToken));
        await first;
    }

    private async Task CopyAsync(Socket from, Socket to, bool isAnswers, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var count = await from.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);
            if (count == 0)
            {
                return;
            }

            if (!isAnswers)
            {
                Bytes += count;
                First = First.Length < 4096 ? [.. First, .. buffer.AsSpan(0, count)] : First;
            }

            if (isAnswers == _ofAnswers)
            {
                if (Interlocked.Add(ref _budget, -count) < 0)
                {
                    Interlocked.Exchange(ref _budget, long.MaxValue);
                    Faults++;
                    switch (_fault)
                    {
                        case Fault.Cut:
                            await to.SendAsync(buffer.AsMemory(0, count / 2), SocketFlags.None, cancellationToken);
                            return;
                        case Fault.Flip:
                            buffer[count / 2] ^= 0x10;
                            break;
                        default:
                            await to.SendAsync(buffer.AsMemory(0, count), SocketFlags.None, cancellationToken);
                            break;
                    }
                }
            }

            for (var sent = 0; sent < count;)
            {
                sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None, cancellationToken);
            }
        }
    }
}
