using System.Buffers.Binary;
using System.Net.Sockets;
using Dr.Simulator.Live.Judging;

namespace Dr.EndToEnd.Tests.Crash;

/// <summary>
/// Random 4 KiB writes with a flush now and then, up to <see cref="Depth"/> under way, one per block. Every version of a block names the block and its own number, so that
/// the content says which write it is. What was answered must be there; what was under way when the server died may be there or not, but wholly.
/// </summary>
internal sealed class VerifyingLoad(int seed, int blocks)
{
    public const int BlockBytes = 4096;
    private const int Depth = 16;
    private readonly Random _random = new(seed);
    private readonly ulong[] _answered = new ulong[blocks];
    private readonly Dictionary<ulong, int> _underWay = [];
    private ulong _next = 1;

    public long Answered { get; private set; }

    public long Flushes { get; private set; }

    /// <summary>
    /// Connects and writes until the server goes away, which it may do while the two are still shaking hands. A server that goes before <paramref name="killed"/> is set
    /// has died by itself: <see cref="SocketException"/>.
    /// </summary>
    public void RunUntilCut(string socket, string export, CancellationToken killed)
    {
        _underWay.Clear();
        try
        {
            using var client = new NbdClient(socket, export);
            while (true)
            {
                while (_underWay.Count < Depth)
                {
                    SendOne(client);
                }

                var cookie = client.ReceiveAnswer();
                _underWay.Remove(cookie, out var block).ShouldBeTrue("an answer to something that was not asked");
                if (block >= 0)
                {
                    _answered[block] = cookie;
                    Answered++;
                }
                else
                {
                    Flushes++;
                }
            }
        }
        catch (SocketException) when (killed.IsCancellationRequested)
        {
            // What is in _underWay stays in doubt.
        }
    }

    /// <summary>
    /// Connects and writes until the server says that it is shutting down or closes. No answer other than "done" and "shutting down" is taken. A server that closes before
    /// <paramref name="told"/> is set does so by itself: <see cref="SocketException"/>.
    /// </summary>
    public void RunUntilStopped(string socket, string export, CancellationToken told)
    {
        const uint shutdown = 108;
        _underWay.Clear();
        var isStopping = false;
        try
        {
            using var client = new NbdClient(socket, export);
            while (!isStopping || _underWay.Count > 0)
            {
                while (!isStopping && _underWay.Count < Depth)
                {
                    SendOne(client);
                }

                var (cookie, error) = client.ReceiveAnyAnswer();
                _underWay.Remove(cookie, out var block).ShouldBeTrue("an answer to something that was not asked");
                isStopping |= error == shutdown;
                error.ShouldBe(isStopping ? shutdown : 0u, "after the first refusal everything is refused");
                if (error == 0 && block >= 0)
                {
                    _answered[block] = cookie;
                    Answered++;
                }
            }
        }
        catch (SocketException) when (told.IsCancellationRequested)
        {
            // Closed: what had not reached the server by then has no answer and stays in doubt.
        }
    }

    /// <summary>Reads every block back. A write in doubt that is found is from now on what must stay.</summary>
    public void Check(NbdClient client)
    {
        var inDoubt = _underWay.Where(w => w.Value >= 0).ToDictionary(w => w.Value, w => w.Key);
        const int run = 256;
        for (var first = 0; first < blocks; first += run)
        {
            var data = client.Read((long)first * BlockBytes, Math.Min(run, blocks - first) * BlockBytes);
            for (var i = 0; i < data.Length / BlockBytes; i++)
            {
                var block = first + i;
                var found = data.AsSpan(i * BlockBytes, BlockBytes);
                var version = BinaryPrimitives.ReadUInt64LittleEndian(found);
                var allowed = version == _answered[block] || (inDoubt.TryGetValue(block, out var doubtful) && version == doubtful);
                allowed.ShouldBeTrue($"block {block} holds write {version}; write {_answered[block]} was answered");
                found.SequenceEqual(version == 0 ? new byte[BlockBytes] : Content(block, version)).ShouldBeTrue($"block {block} holds part of write {version}");
                _answered[block] = version;
            }
        }
    }

    private void SendOne(NbdClient client)
    {
        var cookie = _next++;
        if (cookie % 64 == 0)
        {
            _underWay[cookie] = -1;
            client.SendFlush(cookie);
            return;
        }

        int block;
        do
        {
            block = _random.Next(blocks);
        }
        while (_underWay.ContainsValue(block));

        _underWay[cookie] = block;
        client.SendWrite(cookie, (long)block * BlockBytes, Content(block, cookie));
    }

    private static byte[] Content(int block, ulong version)
    {
        var data = new byte[BlockBytes];
        new Random((block * 7919) ^ (int)version).NextBytes(data);
        BinaryPrimitives.WriteUInt64LittleEndian(data, version);
        BinaryPrimitives.WriteInt32LittleEndian(data.AsSpan(8), block);
        return data;
    }
}
