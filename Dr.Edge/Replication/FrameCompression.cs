using Dr.Contracts.Wire;
using ZstdSharp;

namespace Dr.Edge.Replication;

/// <summary>
/// Compresses payloads when that helps. After a payload that did not shrink the next few are sent as they are: databases' pages shrink, encrypted or packed content never does, and both come in runs.
/// One owner per direction.
/// </summary>
internal sealed class FrameCompression : IDisposable
{
    /// <summary>Below this a frame's header is most of it anyway.</summary>
    private const int SmallestPayload = 512;

    /// <summary>Level 1: several hundred MB/s on one core; higher levels would make the core the line's limit.</summary>
    private const int Level = 1;

    private const int LongestPause = 32;
    private readonly Compressor _compressor = new(Level);
    private byte[] _buffer = [];
    private int _skip;
    private int _pause = 1;

    /// <summary>The payload to put on the wire; valid until the next call.</summary>
    public (ReadOnlyMemory<byte> Payload, FrameFlags Flags) Pack(ReadOnlyMemory<byte> payload)
    {
        if (payload.Length < SmallestPayload)
        {
            return (payload, FrameFlags.None);
        }

        if (_skip > 0)
        {
            _skip--;
            return (payload, FrameFlags.None);
        }

        var bound = Compressor.GetCompressBound(payload.Length);
        if (_buffer.Length < bound)
        {
            _buffer = new byte[bound];
        }

        var length = _compressor.Wrap(payload.Span, _buffer);
        if (length > payload.Length * 9L / 10)
        {
            _skip = _pause;
            _pause = Math.Min(_pause * 2, LongestPause);
            return (payload, FrameFlags.None);
        }

        _pause = 1;
        return (_buffer.AsMemory(0, length), FrameFlags.Zstd);
    }

    public void Dispose() => _compressor.Dispose();
}
