using System.Buffers.Binary;
using System.Diagnostics;

namespace Dr.Edge.Tests.Replication.BadLine;

/// <summary>
/// A line that real IP packets go over: the kernel's TCP sends to <see cref="Far"/>, and the packets come back to <see cref="Near"/> late, slowly, or not at all. The two addresses of a packet
/// change places on the way, so that both ends may be in this process without network namespaces; checksums stay right because their sum does.
/// </summary>
internal sealed class PacketLine : IDisposable
{
    /// <summary>Behind what a packet's ports say: whatever comes from a registered port is on its way back.</summary>
    private readonly HashSet<int> _servers = [];

    private readonly Lock _lock = new(); // Guards _servers and _queues.
    private readonly TunDevice _tun;
    private readonly LineModel[] _models;
    private readonly Queue<(TimeSpan Due, byte[] Packet)>[] _queues = [new(), new()];
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly SemaphoreSlim _news = new(0);
    private readonly Thread _reader;
    private readonly Thread _writer;
    private volatile bool _stopping;
    private volatile bool _dead;
    private long _lost;
    private long _carried;
    private long _bytes;

    private PacketLine(TunDevice tun, LineQuality quality, int seed)
    {
        _tun = tun;
        _models = [new LineModel(quality, seed), new LineModel(quality, seed + 1)];
        (_reader, _writer) = (new Thread(Take) { IsBackground = true, Name = "line in" }, new Thread(Give) { IsBackground = true, Name = "line out" });
        _reader.Start();
        _writer.Start();
    }

    /// <summary>Where the listening end listens.</summary>
    public string Near => _tun.Near;

    /// <summary>Where the dialling end dials, with the listener's port.</summary>
    public string Far => _tun.Far;

    /// <summary>Nothing passes any more, and nobody is told.</summary>
    public bool IsDead
    {
        get => _dead;
        set => _dead = value;
    }

    public long Lost => Interlocked.Read(ref _lost);

    public long Carried => Interlocked.Read(ref _carried);

    /// <summary>Of packets that arrived, both ways, headers included.</summary>
    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Skips the test where no TUN interface can be made, and says why.</summary>
    public static PacketLine Create(LineQuality quality, int seed)
    {
        var tun = TunDevice.TryCreate(out var reason);
        Assert.SkipWhen(tun is null, $"no TUN interface here: {reason}");
        return new PacketLine(tun!, quality, seed);
    }

    /// <summary>The address to dial for a listener at <paramref name="address"/>, which is on <see cref="Near"/>.</summary>
    public string To(string address)
    {
        var port = address[(address.LastIndexOf(':') + 1)..];
        lock (_lock)
        {
            _servers.Add(int.Parse(port, null));
        }

        return $"{Far}:{port}";
    }

    public void Dispose()
    {
        _stopping = true;
        _news.Release();
        _reader.Join();
        _writer.Join();
        _tun.Dispose();
        _news.Dispose();
    }

    private void Take()
    {
        var packet = new byte[65_536];
        while (!_stopping)
        {
            var length = _tun.Read(packet, TimeSpan.FromMilliseconds(50));

            // Version 4 without options, TCP: nothing else is spoken here (the kernel announces itself by IPv6 and multicast, which has no place on the line).
            if (length < 40 || packet[0] != 0x45 || packet[9] != 6)
            {
                continue;
            }

            var from = BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(20));
            TimeSpan? due;
            lock (_lock)
            {
                var way = _servers.Contains(from) ? 1 : 0;
                due = _dead ? null : _models[way].Pass(length, _watch.Elapsed);
                if (due is { } at)
                {
                    _queues[way].Enqueue((at, Swapped(packet.AsSpan(0, length))));
                }
            }

            if (due is null)
            {
                Interlocked.Increment(ref _lost);
            }
            else
            {
                _news.Release();
            }
        }
    }

    private void Give()
    {
        while (!_stopping)
        {
            byte[]? packet = null;
            var wait = TimeSpan.FromMilliseconds(50);
            lock (_lock)
            {
                foreach (var queue in _queues)
                {
                    if (queue.TryPeek(out var next))
                    {
                        var left = next.Due - _watch.Elapsed;
                        if (left <= TimeSpan.Zero)
                        {
                            packet = queue.Dequeue().Packet;
                            break;
                        }

                        wait = left < wait ? left : wait;
                    }
                }
            }

            if (packet is null)
            {
                _news.Wait(wait < TimeSpan.FromMilliseconds(1) ? TimeSpan.FromMilliseconds(1) : wait);
            }
            else if (!_dead)
            {
                _tun.Write(packet, packet.Length);
                Interlocked.Increment(ref _carried);
                Interlocked.Add(ref _bytes, packet.Length);
            }
        }
    }

    private static byte[] Swapped(ReadOnlySpan<byte> packet)
    {
        var swapped = packet.ToArray();
        packet.Slice(12, 4).CopyTo(swapped.AsSpan(16));
        packet.Slice(16, 4).CopyTo(swapped.AsSpan(12));
        return swapped;
    }
}
