using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

/// <summary>A client that sends exactly the bytes a test wants, and reads answers with a time limit that fails instead of hanging.</summary>
internal sealed class ScriptedClient : IDisposable
{
    private readonly Socket _socket;
    private SslStream? _tls;

    private ScriptedClient(Socket socket)
    {
        _socket = socket;
        _socket.ReceiveTimeout = 60_000;
        _socket.SendTimeout = 60_000;
    }

    public Socket Socket => _socket;

    /// <summary>What was agreed; requests and answers follow it.</summary>
    public ReplyForm Form { get; private set; }

    public static ScriptedClient ConnectUnix(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(path));
        return new ScriptedClient(socket);
    }

    public static ScriptedClient ConnectTcp(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(endPoint);
        return new ScriptedClient(socket);
    }

    /// <summary>What the server showed in the TLS handshake.</summary>
    public X509Certificate2? ServerCertificate { get; private set; }

    /// <summary>TLS from here on, after STARTTLS was acknowledged. The server's certificate must come from <paramref name="authority"/>.</summary>
    public void StartTls(X509Certificate2 authority, X509Certificate2? certificate, SslProtocols version = SslProtocols.None)
    {
        var tls = new SslStream(new NetworkStream(_socket, ownsSocket: false));
        tls.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            EnabledSslProtocols = version,
            ClientCertificates = certificate is null ? null : [certificate],
            RemoteCertificateValidationCallback = (_, shown, _, _) =>
            {
                using var chain = new X509Chain();
                chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
                chain.ChainPolicy.CustomTrustStore.Add(authority);
                chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
                ServerCertificate = (X509Certificate2)shown!;
                return chain.Build(ServerCertificate);
            },
        });
        _tls = tls;
    }

    /// <summary>Forgets what was agreed, as TLS makes the server do.</summary>
    public void Forget() => Form = ReplyForm.Simple;

    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (_tls is not null)
        {
            _tls.Write(bytes);
            return;
        }

        SendBelowTls(bytes);
    }

    public void SendBelowTls(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[_socket.Send(bytes)..];
        }
    }

    /// <summary>False when the server has closed already or takes no more; what it answered before is still there to be read.</summary>
    public bool TrySend(ReadOnlySpan<byte> bytes)
    {
        try
        {
            Send(bytes);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return false;
        }
    }

    /// <summary>No more bytes from here; the server may have gone already.</summary>
    public void TryShutdownSend()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // Gone.
        }
    }

    public byte[] Receive(int count)
    {
        var bytes = new byte[count];
        for (var received = 0; received < count;)
        {
            var read = _tls is null ? _socket.Receive(bytes.AsSpan(received)) : _tls.Read(bytes.AsSpan(received));
            read.ShouldBeGreaterThan(0, $"the server closed after {received} of {count} expected bytes");
            received += read;
        }

        return bytes;
    }

    /// <summary>True when the server closes without another byte.</summary>
    public bool IsClosedByServer()
    {
        try
        {
            return (_tls is null ? _socket.Receive(new byte[1]) : _tls.Read(new byte[1])) == 0;
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset)
        {
            return true;
        }
        catch (IOException exception) when (exception.InnerException is SocketException { SocketErrorCode: SocketError.ConnectionReset })
        {
            return true;
        }
    }

    /// <summary>Reads and drops until the server closes.</summary>
    public int DrainToEnd()
    {
        var buffer = new byte[64 * 1024];
        var total = 0;
        try
        {
            for (int read; (read = _socket.Receive(buffer)) > 0; total += read)
            {
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset)
        {
            // As good an end as any.
        }

        return total;
    }

    public byte[] Greet(NbdClientFlags flags = NbdClientFlags.FixedNewstyle | NbdClientFlags.NoZeroes)
    {
        var greeting = Receive(NbdProtocol.GreetingSize);
        Send(Bytes32((uint)flags));
        return greeting;
    }

    public void SendOption(NbdOption option, ReadOnlySpan<byte> data, uint? announcedLength = null) => Send(OptionBytes(option, data, announcedLength));

    /// <summary>Names of LIST.</summary>
    public List<string> List() => [.. ListWithDescriptions().Select(entry => entry.Name)];

    public List<(string Name, string Description)> ListWithDescriptions()
    {
        SendOption(NbdOption.List, []);
        var entries = new List<(string, string)>();
        while (true)
        {
            var (_, reply, data) = ReceiveReply();
            if (reply == NbdOptionReply.Ack)
            {
                return entries;
            }

            reply.ShouldBe(NbdOptionReply.Server);
            var length = BinaryPrimitives.ReadInt32BigEndian(data);
            entries.Add((Encoding.UTF8.GetString(data.AsSpan(4, length)), Encoding.UTF8.GetString(data.AsSpan(4 + length))));
        }
    }

    public (NbdOption Option, NbdOptionReply Reply, byte[] Data) ReceiveReply()
    {
        var header = Receive(NbdProtocol.OptionReplyHeaderSize);
        BinaryPrimitives.ReadUInt64BigEndian(header).ShouldBe(NbdProtocol.OptionReplyMagic);
        var length = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(16));
        return ((NbdOption)BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(8)), (NbdOptionReply)BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(12)), Receive((int)length));
    }

    public void AgreeStructuredReplies()
    {
        SendOption(NbdOption.StructuredReply, []);
        ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        Form = ReplyForm.Structured;
    }

    public void AgreeExtendedHeaders()
    {
        SendOption(NbdOption.ExtendedHeaders, []);
        ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        Form = ReplyForm.Extended;
    }

    /// <summary>Selects contexts; their ids by name.</summary>
    public Dictionary<string, uint> SelectContexts(string export, params string[] queries)
    {
        SendOption(NbdOption.SetMetaContext, ContextData(export, queries));
        var contexts = new Dictionary<string, uint>(StringComparer.Ordinal);
        while (true)
        {
            var (_, reply, data) = ReceiveReply();
            if (reply == NbdOptionReply.Ack)
            {
                return contexts;
            }

            reply.ShouldBe(NbdOptionReply.MetaContext);
            contexts[Encoding.UTF8.GetString(data.AsSpan(4))] = BinaryPrimitives.ReadUInt32BigEndian(data);
        }
    }

    /// <summary>GO and its answers; the size and flags of the export.</summary>
    public (ulong Size, NbdExportFlags Flags) Go(string export, NbdOption option = NbdOption.Go)
    {
        SendOption(option, InfoData(export));
        var info = ReceiveReply();
        info.Reply.ShouldBe(NbdOptionReply.Info);
        ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        return (BinaryPrimitives.ReadUInt64BigEndian(info.Data.AsSpan(2)), (NbdExportFlags)BinaryPrimitives.ReadUInt16BigEndian(info.Data.AsSpan(10)));
    }

    public void Request(NbdCommand command, ulong offset, ulong length, ulong cookie = 1, ReadOnlySpan<byte> payload = default, NbdCommandFlags flags = NbdCommandFlags.None) =>
        Send(RequestBytes(command, offset, length, cookie, payload, flags, Form));

    /// <summary>A simple reply's error; fails when it is for another request.</summary>
    public NbdError SimpleReply(ulong cookie = 1)
    {
        var reply = Receive(NbdProtocol.SimpleReplySize);
        BinaryPrimitives.ReadUInt32BigEndian(reply).ShouldBe(NbdProtocol.SimpleReplyMagic);
        BinaryPrimitives.ReadUInt64BigEndian(reply.AsSpan(8)).ShouldBe(cookie);
        return (NbdError)BinaryPrimitives.ReadUInt32BigEndian(reply.AsSpan(4));
    }

    /// <summary>A structured or extended chunk; the latter's offset must be <paramref name="offset"/> when that is given.</summary>
    public (NbdChunk Kind, ushort Flags, byte[] Data) Chunk(ulong cookie = 1, ulong? offset = null)
    {
        var header = Receive(ReplyCodec.ChunkHeaderSize(Form));
        BinaryPrimitives.ReadUInt32BigEndian(header).ShouldBe(Form == ReplyForm.Extended ? NbdProtocol.ExtendedReplyMagic : NbdProtocol.StructuredReplyMagic);
        BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(8)).ShouldBe(cookie);
        var length = Form == ReplyForm.Extended ? BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(24)) : BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(16));
        if (Form == ReplyForm.Extended && offset is { } expected)
        {
            BinaryPrimitives.ReadUInt64BigEndian(header.AsSpan(16)).ShouldBe(expected);
        }

        return ((NbdChunk)BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(6)), BinaryPrimitives.ReadUInt16BigEndian(header.AsSpan(4)), Receive((int)length));
    }

    /// <summary>The error of an answer without content, in whatever form was agreed for the command.</summary>
    public NbdError Answer(NbdCommand command, ulong cookie = 1, ulong? offset = null)
    {
        if (!ReplyCodec.InChunks(Form, command))
        {
            return SimpleReply(cookie);
        }

        var (kind, flags, data) = Chunk(cookie, offset);
        flags.ShouldBe(ReplyCodec.ChunkDone);
        kind.ShouldBeOneOf(NbdChunk.None, NbdChunk.Error);
        return kind == NbdChunk.None ? NbdError.None : (NbdError)BinaryPrimitives.ReadUInt32BigEndian(data);
    }

    /// <summary>One BLOCK_STATUS: for each context id the extents (length, status), checked for form.</summary>
    public Dictionary<uint, List<(long Length, uint Status)>> Status(ulong offset, ulong length, NbdCommandFlags flags = NbdCommandFlags.None)
    {
        Request(NbdCommand.BlockStatus, offset, length, 21, flags: flags);
        return ReceiveStatus(offset);
    }

    /// <summary>A BLOCK_STATUS that names the contexts it wants.</summary>
    public Dictionary<uint, List<(long Length, uint Status)>> FilteredStatus(ulong offset, ulong length, params uint[] contexts)
    {
        var payload = FilterBytes(length, contexts);
        Request(NbdCommand.BlockStatus, offset, (ulong)payload.Length, 21, payload, NbdCommandFlags.PayloadLength);
        return ReceiveStatus(offset);
    }

    /// <summary>The payload of a BLOCK_STATUS that names contexts.</summary>
    public static byte[] FilterBytes(ulong length, params uint[] contexts)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, length);
        return [.. bytes, .. contexts.SelectMany(Bytes32)];
    }

    private Dictionary<uint, List<(long Length, uint Status)>> ReceiveStatus(ulong offset)
    {
        var answer = new Dictionary<uint, List<(long, uint)>>();
        while (true)
        {
            var (kind, chunkFlags, data) = Chunk(21, offset);
            var isExtended = Form == ReplyForm.Extended;
            kind.ShouldBe(isExtended ? NbdChunk.BlockStatusExtended : NbdChunk.BlockStatus);
            var extents = new List<(long, uint)>();
            for (var at = isExtended ? 8 : 4; at < data.Length; at += isExtended ? 16 : 8)
            {
                extents.Add(isExtended
                    ? (BinaryPrimitives.ReadInt64BigEndian(data.AsSpan(at)), checked((uint)BinaryPrimitives.ReadUInt64BigEndian(data.AsSpan(at + 8))))
                    : (BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(at)), BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(at + 4))));
            }

            extents.ShouldNotBeEmpty();
            extents.ShouldAllBe(extent => extent.Item1 > 0);
            answer.Add(BinaryPrimitives.ReadUInt32BigEndian(data), extents);
            if (isExtended)
            {
                BinaryPrimitives.ReadUInt32BigEndian(data.AsSpan(4)).ShouldBe((uint)extents.Count);
            }

            if (chunkFlags == ReplyCodec.ChunkDone)
            {
                return answer;
            }
        }
    }

    public NbdError Write(ulong offset, ReadOnlySpan<byte> data, NbdCommandFlags flags = NbdCommandFlags.None)
    {
        Request(NbdCommand.Write, offset, (uint)data.Length, 7, data, Form == ReplyForm.Extended ? flags | NbdCommandFlags.PayloadLength : flags);
        return Answer(NbdCommand.Write, 7, offset);
    }

    public byte[] Read(ulong offset, int length)
    {
        Request(NbdCommand.Read, offset, (uint)length, 8);
        if (Form == ReplyForm.Simple)
        {
            SimpleReply(8).ShouldBe(NbdError.None);
            return Receive(length);
        }

        var (kind, _, data) = Chunk(8, offset);
        kind.ShouldBe(NbdChunk.OffsetData);
        BinaryPrimitives.ReadUInt64BigEndian(data).ShouldBe(offset);
        return data[8..];
    }

    /// <summary>Closes so that the server sees a reset instead of an end.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    public void Dispose()
    {
        _tls?.Dispose();
        _socket.Dispose();
    }

    public static byte[] OptionBytes(NbdOption option, ReadOnlySpan<byte> data, uint? announcedLength = null)
    {
        var bytes = new byte[NbdProtocol.OptionHeaderSize + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, NbdProtocol.OptionMagic);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), (uint)option);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), announcedLength ?? (uint)data.Length);
        data.CopyTo(bytes.AsSpan(16));
        return bytes;
    }

    public static byte[] RequestBytes(
        NbdCommand command, ulong offset, ulong length, ulong cookie = 1, ReadOnlySpan<byte> payload = default, NbdCommandFlags flags = NbdCommandFlags.None, ReplyForm form = ReplyForm.Simple)
    {
        var size = NbdRequest.SizeOf(form);
        var bytes = new byte[size + payload.Length];
        new NbdRequest(flags, command, cookie, offset, length).Write(bytes, form);
        payload.CopyTo(bytes.AsSpan(size));
        return bytes;
    }

    public static byte[] InfoData(string export, params ushort[] kinds)
    {
        var name = Encoding.UTF8.GetBytes(export);
        var data = new byte[4 + name.Length + 2 + (2 * kinds.Length)];
        BinaryPrimitives.WriteUInt32BigEndian(data, (uint)name.Length);
        name.CopyTo(data, 4);
        BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(4 + name.Length), (ushort)kinds.Length);
        for (var index = 0; index < kinds.Length; index++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(data.AsSpan(6 + name.Length + (2 * index)), kinds[index]);
        }

        return data;
    }

    public static byte[] ContextData(string export, params string[] queries)
    {
        using var data = new MemoryStream();
        void Text(string text)
        {
            var bytes = Encoding.UTF8.GetBytes(text);
            data.Write(Bytes32((uint)bytes.Length));
            data.Write(bytes);
        }

        Text(export);
        data.Write(Bytes32((uint)queries.Length));
        foreach (var query in queries)
        {
            Text(query);
        }

        return data.ToArray();
    }

    public static byte[] Bytes32(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
