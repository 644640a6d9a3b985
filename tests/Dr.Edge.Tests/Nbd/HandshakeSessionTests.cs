using System.Buffers.Binary;
using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

public sealed class HandshakeSessionTests
{
    [Fact]
    public void An_option_that_arrives_while_the_server_stops_is_answered_with_shutdown()
    {
        var channel = new MemoryChannel([.. ScriptedClient.Bytes32(3), .. ScriptedClient.OptionBytes(NbdOption.List, []), .. ScriptedClient.OptionBytes(NbdOption.List, [])]);
        using var input = new ByteBuffer(new LargeBufferPool(0));
        new NbdHandshakeSession(channel, tls: null, input, () => true).Run(new MemoryCatalog()).ShouldBeNull();

        var reply = channel.Sent.AsSpan(NbdProtocol.GreetingSize);
        BinaryPrimitives.ReadUInt32BigEndian(reply[8..]).ShouldBe((uint)NbdOption.List);
        BinaryPrimitives.ReadUInt32BigEndian(reply[12..]).ShouldBe((uint)NbdOptionReply.ErrorShutdown);
        reply.Length.ShouldBe(NbdProtocol.OptionReplyHeaderSize + BinaryPrimitives.ReadInt32BigEndian(reply[16..]), "more than one answer was sent");
    }

    private sealed class MemoryChannel(byte[] received) : INbdChannel
    {
        private int _position;

        public byte[] Sent { get; private set; } = [];

        public string Peer => "memory";

        public bool HasInput => _position < received.Length;

        public int Receive(Span<byte> destination)
        {
            var count = Math.Min(destination.Length, received.Length - _position);
            received.AsSpan(_position, count).CopyTo(destination);
            _position += count;
            return count;
        }

        public bool Send(ReadOnlySpan<byte> source)
        {
            Sent = [.. Sent, .. source];
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
