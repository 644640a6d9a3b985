using System.Buffers.Binary;
using System.Text;
using Dr.Edge.Nbd;
using Dr.Edge.Tests.Volumes;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Nbd;

public sealed class SessionAllocationTests
{
    [Fact]
    public async Task A_session_on_a_real_volume_allocates_nothing_for_its_requests()
    {
        using var store = new StoreFixture();
        var volume = store.Set.Create("v", 8 * 1024 * 1024);
        volume.Write([new(0, volume.SizeBytes, Dr.Edge.Volumes.ExtentKind.Data, new byte[volume.SizeBytes])], forceUnitAccess: true);
        using var channel = new RecordedChannel("v");
        var connection = new NbdConnection(
            channel, store.Set, tls: null, new LargeBufferPool(1), new NbdLimits(), TimeProvider.System, _ => { }, NullLogger.Instance);
        connection.Start();
        await connection.Ended.WaitAsync(TimeSpan.FromSeconds(60));
        channel.Answered.ShouldBeGreaterThan(0);
        channel.AllocatedBytes.ShouldBe(0);
    }

    /// <summary>A client out of a tape: the handshake, then the same mixture of requests again and again; measured after the first times.</summary>
    private sealed class RecordedChannel : INbdChannel
    {
        private const int RoundsPerReading = 100;
        private const int Readings = 6;
        private readonly List<long> _readings = new(Readings);
        private readonly byte[] _requests;
        private byte[] _tape;
        private int _position;
        private int _round;

        public RecordedChannel(string export)
        {
            _tape = new byte[4 + 16 + export.Length];
            BinaryPrimitives.WriteUInt32BigEndian(_tape, 3); // fixed newstyle, no zeroes
            "IHAVEOPT"u8.CopyTo(_tape.AsSpan(4));
            BinaryPrimitives.WriteUInt32BigEndian(_tape.AsSpan(12), 1); // EXPORT_NAME
            BinaryPrimitives.WriteUInt32BigEndian(_tape.AsSpan(16), (uint)export.Length);
            Encoding.ASCII.GetBytes(export, _tape.AsSpan(20));
            _requests =
            [
                .. ScriptedClient.RequestBytes(NbdCommand.Write, 4096, 4096, 1, new byte[4096]),
                .. ScriptedClient.RequestBytes(NbdCommand.Write, 65536, 65536, 2, new byte[65536]),
                .. ScriptedClient.RequestBytes(NbdCommand.Write, 1000, 300, 3, new byte[300]),
                .. ScriptedClient.RequestBytes(NbdCommand.Trim, 1 << 20, 65536, 4),
                .. ScriptedClient.RequestBytes(NbdCommand.Read, 0, 131072, 5),
                .. ScriptedClient.RequestBytes(NbdCommand.Read, 5000, 100, 6),
                .. ScriptedClient.RequestBytes(NbdCommand.Flush, 0, 0, 7),
            ];
        }

        public string Peer => "tape";

        public bool HasInput => true;

        public long Answered { get; private set; }

        /// <summary>By a hundred times the tape; the first ones may set things up.</summary>
        public long AllocatedBytes => Allocated.LeastStep(_readings);

        public int Receive(Span<byte> destination)
        {
            if (_position == _tape.Length)
            {
                (_tape, _position) = (_requests, 0);
                if (++_round % RoundsPerReading == 0)
                {
                    _readings.Add(GC.GetAllocatedBytesForCurrentThread());
                    if (_readings.Count == Readings)
                    {
                        return INbdChannel.EndOfStream;
                    }
                }
            }

            var count = Math.Min(destination.Length, _tape.Length - _position);
            _tape.AsSpan(_position, count).CopyTo(destination);
            _position += count;
            return count;
        }

        public bool Send(ReadOnlySpan<byte> source)
        {
            Answered += source.Length;
            return true;
        }

        public void StopReceiving()
        {
        }

        public void Abort()
        {
        }

        public void Dispose()
        {
        }
    }
}
