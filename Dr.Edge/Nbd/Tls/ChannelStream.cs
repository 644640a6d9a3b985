namespace Dr.Edge.Nbd.Tls;

/// <summary>
/// A channel as the stream that TLS wants, with a buffer in each direction, because TLS reads and writes in records of at most 16 KiB and a system call for each would cost more than
/// the encryption. What is written leaves with <see cref="Flush"/>, when the buffer is full, or before a read would wait. Used by one thread.
/// </summary>
internal sealed class ChannelStream(INbdChannel channel) : Stream
{
    /// <summary>Four records each way; a TLS connection costs this much more than a plain one.</summary>
    public const int BufferBytes = 64 * 1024;

    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(BufferBytes);
    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(BufferBytes);
    private int _start;
    private int _end;
    private int _written;

    /// <summary>Whether a read that finds nothing for the idle time says so. In the handshake it just waits on: that has a time limit of its own.</summary>
    public bool TellsIdle { get; set; }

    /// <summary>Received bytes that TLS has not asked for.</summary>
    public int Buffered => _end - _start;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="IdleException">Nothing came for the channel's idle time; reading may go on.</exception>
    public override int Read(Span<byte> buffer)
    {
        if (_start == _end && !TryFill())
        {
            return 0;
        }

        var count = Math.Min(buffer.Length, Buffered);
        _input.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (buffer.Length > 0)
        {
            if (_written == _output.Length)
            {
                Flush();
            }

            var count = Math.Min(buffer.Length, _output.Length - _written);
            buffer[..count].CopyTo(_output.AsSpan(_written));
            _written += count;
            buffer = buffer[count..];
        }
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        // Only the end of the connection comes this way, and it may not wait for anything.
        Write(buffer.Span);
        return ValueTask.CompletedTask;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <exception cref="IOException">The client is gone.</exception>
    public override void Flush()
    {
        var count = _written;
        _written = 0;
        if (count > 0 && !channel.Send(_output.AsSpan(0, count)))
        {
            throw new IOException("the client is gone");
        }
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private bool TryFill()
    {
        Flush();
        (_start, _end) = (0, 0);
        int count;
        while ((count = channel.Receive(_input)) == INbdChannel.IdleTimeout)
        {
            if (TellsIdle)
            {
                throw new IdleException();
            }
        }

        _end = count;
        return count > 0;
    }
}

/// <summary>A read found nothing within the idle time. The stream is as it was.</summary>
internal sealed class IdleException() : IOException("nothing was received");
