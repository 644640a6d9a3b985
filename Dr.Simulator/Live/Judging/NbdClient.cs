using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace Dr.Simulator.Live.Judging;

/// <summary>The smallest NBD client that can say exactly what was answered: EXPORT_NAME, READ, WRITE and FLUSH with simple replies, over a Unix socket.</summary>
internal sealed class NbdClient : IDisposable
{
    private const uint RequestMagic = 0x25609513;
    private const uint ReplyMagic = 0x67446698;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <exception cref="SocketException">Nobody listens, or the server does not serve the export.</exception>
    public NbdClient(string socketPath, string export)
    {
        try
        {
            _socket.Connect(new UnixDomainSocketEndPoint(socketPath));
            Receive(new byte[18]);
            var name = Encoding.UTF8.GetBytes(export);
            var hello = new byte[20 + name.Length];
            BinaryPrimitives.WriteUInt32BigEndian(hello, 3); // FIXED_NEWSTYLE, NO_ZEROES
            "IHAVEOPT"u8.CopyTo(hello.AsSpan(4));
            BinaryPrimitives.WriteUInt32BigEndian(hello.AsSpan(12), 1); // EXPORT_NAME
            BinaryPrimitives.WriteInt32BigEndian(hello.AsSpan(16), name.Length);
            name.CopyTo(hello, 20);
            Send(hello);
            Receive(new byte[10]);
        }
        catch (SocketException)
        {
            _socket.Dispose();
            throw;
        }
    }

    public void SendWrite(ulong cookie, long offset, ReadOnlySpan<byte> data)
    {
        var message = new byte[28 + data.Length];
        Header(message, type: 1, cookie, offset, data.Length);
        data.CopyTo(message.AsSpan(28));
        Send(message);
    }

    public void SendFlush(ulong cookie)
    {
        var message = new byte[28];
        Header(message, type: 3, cookie, 0, 0);
        Send(message);
    }

    /// <summary>The cookie of the next answer, which must be a good one.</summary>
    /// <exception cref="InvalidDataException">It was not; says the error.</exception>
    public ulong ReceiveAnswer()
    {
        var (cookie, error) = ReceiveAnyAnswer();
        return error == 0 ? cookie : throw new InvalidDataException($"the server answered with error {error}");
    }

    /// <summary>The next answer, good (0) or an NBD error.</summary>
    /// <exception cref="InvalidDataException">It is no answer at all.</exception>
    public (ulong Cookie, uint Error) ReceiveAnyAnswer()
    {
        var reply = new byte[16];
        Receive(reply);
        return BinaryPrimitives.ReadUInt32BigEndian(reply) == ReplyMagic
            ? (BinaryPrimitives.ReadUInt64BigEndian(reply.AsSpan(8)), BinaryPrimitives.ReadUInt32BigEndian(reply.AsSpan(4)))
            : throw new InvalidDataException("the server sent something that is no simple reply");
    }

    /// <exception cref="InvalidDataException">The server answered with an error.</exception>
    public byte[] Read(long offset, int length)
    {
        var message = new byte[28];
        Header(message, type: 0, 1, offset, length);
        Send(message);
        ReceiveAnswer();
        var data = new byte[length];
        Receive(data);
        return data;
    }

    public void Dispose() => _socket.Dispose();

    private static void Header(Span<byte> message, ushort type, ulong cookie, long offset, int length)
    {
        BinaryPrimitives.WriteUInt32BigEndian(message, RequestMagic);
        BinaryPrimitives.WriteUInt16BigEndian(message[6..], type);
        BinaryPrimitives.WriteUInt64BigEndian(message[8..], cookie);
        BinaryPrimitives.WriteInt64BigEndian(message[16..], offset);
        BinaryPrimitives.WriteInt32BigEndian(message[24..], length);
    }

    private void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[_socket.Send(bytes)..];
        }
    }

    private void Receive(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var read = _socket.Receive(bytes);
            if (read == 0)
            {
                throw new SocketException((int)SocketError.ConnectionReset);
            }

            bytes = bytes[read..];
        }
    }
}
