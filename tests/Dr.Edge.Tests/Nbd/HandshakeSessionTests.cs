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
        new NbdHandshakeSession(channel, tls: null, input, () => true, () => { }).Run(new MemoryCatalog()).ShouldBeNull();

        var reply = channel.Sent.AsSpan(NbdProtocol.GreetingSize);
        BinaryPrimitives.ReadUInt32BigEndian(reply[8..]).ShouldBe((uint)NbdOption.List);
        BinaryPrimitives.ReadUInt32BigEndian(reply[12..]).ShouldBe((uint)NbdOptionReply.ErrorShutdown);
        reply.Length.ShouldBe(NbdProtocol.OptionReplyHeaderSize + BinaryPrimitives.ReadInt32BigEndian(reply[16..]), "more than one answer was sent");
    }

    /// <summary>Nobody may take a client for an unfinished handshake, and cut it to make a place, once it has been told that it may work.</summary>
    [Fact]
    public void A_client_counts_as_attached_before_it_hears_that_it_is()
    {
        var channel = new MemoryChannel([.. ScriptedClient.Bytes32(3), .. ScriptedClient.OptionBytes(NbdOption.List, []), .. ScriptedClient.OptionBytes(NbdOption.ExportName, "v"u8)]);
        using var input = new ByteBuffer(new LargeBufferPool(0));
        var catalog = new MemoryCatalog();
        catalog.Add("v", new MemoryDevice(4096));
        var toldBefore = -1;
        using var negotiation = new NbdHandshakeSession(channel, tls: null, input, () => false, () => toldBefore = channel.Sends).Run(catalog);
        negotiation.ShouldNotBeNull();
        (toldBefore, channel.Sends).ShouldBe((2, 3), "greeting and list had been sent, the answer to the last option had not");
    }

    private sealed class MemoryChannel(byte[] received) : INbdChannel
    {
        private int _position;

        public int Sends { get; private set; }

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
            Sends++;
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
