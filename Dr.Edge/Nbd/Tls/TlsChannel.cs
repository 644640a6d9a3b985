using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace Dr.Edge.Nbd.Tls;

/// <summary>TLS over another channel, from the handshake on. Broken records are ends of the stream like a broken network: nothing of them reaches the session.</summary>
internal sealed class TlsChannel : INbdChannel
{
    /// <summary>With this much waiting in front of TLS one more record is surely whole, so that reading it cannot wait. 16 KiB of content and what surrounds it.</summary>
    private const int MaxRecordBytes = (16 * 1024) + 512;

    private readonly INbdChannel _inner;
    private readonly ChannelStream _stream;
    private readonly SslStream _tls;

    private TlsChannel(INbdChannel inner)
    {
        _inner = inner;
        _stream = new ChannelStream(inner);
        _tls = new SslStream(_stream, leaveInnerStreamOpen: true);
        Peer = inner.Peer;
    }

    public string Peer { get; private set; }

    /// <summary>Answers the client's handshake on the calling thread. The time it may take is the connection's: whoever aborts <paramref name="inner"/> ends it.</summary>
    /// <exception cref="AuthenticationException">The client's certificate or its TLS is not good enough.</exception>
    /// <exception cref="IOException">The client is gone, or sends something else.</exception>
    public static TlsChannel Accept(INbdChannel inner, SslServerAuthenticationOptions options)
    {
        var channel = new TlsChannel(inner);
        try
        {
            channel._tls.AuthenticateAsServer(options);
            channel._stream.Flush();
            channel._stream.TellsIdle = true;
            return channel;
        }
        catch
        {
            channel.FlushQuietly();
            channel._tls.Dispose();
            throw;
        }
    }

    /// <summary>For logs: with the name of the client's certificate.</summary>
    public void NameClient(string name) => Peer = $"{name} at {_inner.Peer}";

    public bool HasInput => _stream.Buffered > 0 || _inner.HasInput;

    public bool CanBeWoken => _inner.CanBeWoken;

    public bool WaitForInput(InputWaker waker, TimeSpan atMost) => _stream.Buffered > 0 || _inner.WaitForInput(waker, atMost);

    public int Receive(Span<byte> destination)
    {
        try
        {
            var count = _tls.Read(destination);
            while (count > 0 && count < destination.Length && _stream.Buffered >= MaxRecordBytes)
            {
                var more = _tls.Read(destination[count..]);
                if (more == 0)
                {
                    break;
                }

                count += more;
            }

            return count;
        }
        catch (IdleException)
        {
            return INbdChannel.IdleTimeout;
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            return INbdChannel.EndOfStream;
        }
    }

    public bool Send(ReadOnlySpan<byte> source)
    {
        try
        {
            _tls.Write(source);
            _stream.Flush();
            return true;
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            return false;
        }
    }

    public void StopReceiving() => _inner.StopReceiving();

    public void Abort() => _inner.Abort();

    /// <summary>Tells the client that this is the end and not a cut line; closes the channel below.</summary>
    public void Dispose()
    {
        try
        {
            _tls.ShutdownAsync().GetAwaiter().GetResult();
        }
        catch (Exception exception) when (IsEnd(exception))
        {
            // Gone already.
        }

        FlushQuietly();
        _tls.Dispose();
        _inner.Dispose();
    }

    // The platform's TLS reports what a client did wrong in several families of exceptions; ObjectDisposedException is an InvalidOperationException.
    private static bool IsEnd(Exception exception) => exception is IOException or AuthenticationException or InvalidOperationException or CryptographicException;

    private void FlushQuietly()
    {
        try
        {
            _stream.Flush();
        }
        catch (IOException)
        {
            // It was the last thing to say to a client that is gone.
        }
    }
}
