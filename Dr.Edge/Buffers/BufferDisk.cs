namespace Dr.Edge.Buffers;

/// <summary>
/// The two files of a LiteDB database, data and log, as the library sees them: writing to them never fails. The library does not survive that (its commit then waits for ever, or the finalizer of a transaction that was broken off ends
/// the process), so the first write that fails is remembered as <see cref="Fault"/>, and from then on the disk is as it was at that moment, as after a power cut: what the library still writes it reads back from memory, and nothing of it
/// is promised to anybody. Whoever is about to answer asks for the fault first, and opens the database again when there is one.
/// </summary>
internal sealed class BufferDisk : IDisposable
{
    private volatile Exception? _fault;

    /// <param name="open">Opens a file for reading and writing, and makes it when it is not there.</param>
    /// <exception cref="IOException">One of the files cannot be opened.</exception>
    public BufferDisk(string path, string logPath, Func<string, Stream> open)
    {
        Data = new SteadyStream(this, open(path));
        try
        {
            Log = new SteadyStream(this, open(logPath));
        }
        catch (Exception)
        {
            Data.Dispose();
            throw;
        }
    }

    public Stream Data { get; }

    public Stream Log { get; }

    /// <summary>Why the files have not everything that was written to them; null = they have.</summary>
    public Exception? Fault => _fault;

    public void Dispose()
    {
        Data.Dispose();
        Log.Dispose();
    }

    private void Fail(Exception exception) => _fault ??= exception;

    private sealed class SteadyStream(BufferDisk disk, Stream file) : Stream
    {
        private const int Block = 4096;

        /// <summary>What was written since the fault, by block.</summary>
        private readonly Dictionary<long, byte[]> _memory = [];
        private long _length = file.Length;

        public override bool CanRead => true;

        public override bool CanSeek => true;

        public override bool CanWrite => true;

        public override long Length => _length;

        public override long Position { get; set; }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var count = (int)Math.Min(buffer.Length, Math.Max(0, _length - Position));
            ReadAt(Position, buffer[..count]);
            Position += count;
            return count;
        }

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            var position = Position;
            Try(() => file.Position = position);
            if (disk._fault is null)
            {
                try
                {
                    file.Write(buffer);
                }
                catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
                {
                    disk.Fail(exception);
                }
            }

            if (disk._fault is not null)
            {
                Remember(position, buffer);
            }

            Position = position + buffer.Length;
            _length = Math.Max(_length, Position);
        }

        public override void Flush() => Try(() =>
        {
            file.Flush();
            (file as FileStream)?.Flush(flushToDisk: true);
        });

        public override long Seek(long offset, SeekOrigin origin) =>
            Position = origin switch { SeekOrigin.Begin => offset, SeekOrigin.Current => Position + offset, _ => _length + offset };

        public override void SetLength(long value)
        {
            Try(() => file.SetLength(value));
            if (disk._fault is not null)
            {
                foreach (var block in _memory.Keys.Where(b => b * Block >= value).ToArray())
                {
                    _memory.Remove(block);
                }
            }

            _length = value;
            Position = Math.Min(Position, value);
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                file.Dispose();
            }

            base.Dispose(disposing);
        }

        private void Try(Action action)
        {
            if (disk._fault is not null)
            {
                return;
            }

            try
            {
                action();
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                disk.Fail(exception);
            }
        }

        private void ReadAt(long position, Span<byte> buffer)
        {
            if (_memory.Count == 0)
            {
                ReadFile(position, buffer);
                return;
            }

            while (!buffer.IsEmpty)
            {
                var (block, within) = (position / Block, (int)(position % Block));
                var part = buffer[..Math.Min(buffer.Length, Block - within)];
                if (_memory.TryGetValue(block, out var remembered))
                {
                    remembered.AsSpan(within, part.Length).CopyTo(part);
                }
                else
                {
                    ReadFile(position, part);
                }

                position += part.Length;
                buffer = buffer[part.Length..];
            }
        }

        /// <summary>What the file does not have, because it could not be made longer, is zeros.</summary>
        private void ReadFile(long position, Span<byte> buffer)
        {
            file.Position = position;
            buffer[file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)..].Clear();
        }

        private void Remember(long position, ReadOnlySpan<byte> bytes)
        {
            while (!bytes.IsEmpty)
            {
                var (block, within) = (position / Block, (int)(position % Block));
                var part = bytes[..Math.Min(bytes.Length, Block - within)];
                if (!_memory.TryGetValue(block, out var remembered))
                {
                    remembered = new byte[Block];
                    ReadFile(block * Block, remembered);
                    _memory.Add(block, remembered);
                }

                part.CopyTo(remembered.AsSpan(within));
                position += part.Length;
                bytes = bytes[part.Length..];
            }
        }
    }
}
