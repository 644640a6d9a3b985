using System.Net.Sockets;

namespace Dr.Edge.Tests.Replication;

/// <summary>A line that can be taken away: what is on it ends, and whoever dials is cut off at once.</summary>
internal sealed class SwitchLine(string target) : TestLine(target)
{
    private CancellationTokenSource _down = new();

    public bool IsUp
    {
        get => !_down.IsCancellationRequested;
        set
        {
            if (!value)
            {
                _down.Cancel();
            }
            else
            {
                _down = new CancellationTokenSource();
            }
        }
    }

    protected override async Task CarryAsync(Socket source, Socket target, CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _down.Token);
        await await Task.WhenAny(CopyAsync(source, target, either.Token), CopyAsync(target, source, either.Token));
    }

    private static async Task CopyAsync(Socket from, Socket to, CancellationToken cancellationToken)
    {
        await using var source = new NetworkStream(from, ownsSocket: false);
        await using var target = new NetworkStream(to, ownsSocket: false);
        try
        {
            await source.CopyToAsync(target, cancellationToken);
        }
        catch (IOException)
        {
            // One end is gone.
        }
    }
}
