using System.Buffers.Binary;
using System.Text;

namespace Dr.Contracts.Wire;

/// <summary>Takes fields off a payload; every step past the end or out of range is a <see cref="WireFormatException"/>, never another exception.</summary>
public ref struct WireReader(ReadOnlySpan<byte> input)
{
    /// <summary>Longest text.</summary>
    public const int MaxTextBytes = 4096;

    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = input;

    public readonly int Remaining => _rest.Length;

    public ReadOnlySpan<byte> Bytes(int count)
    {
        if ((uint)count > (uint)_rest.Length)
        {
            throw new WireFormatException("A frame's payload ends in the middle of a field.");
        }

        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    public byte Byte() => Bytes(1)[0];

    public bool Flag() => Byte() switch
    {
        0 => false,
        1 => true,
        var other => throw new WireFormatException($"A yes-or-no field of a frame holds {other}."),
    };

    public int UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Bytes(sizeof(ushort)));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Bytes(sizeof(uint)));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Bytes(sizeof(long)));

    /// <summary>A number that cannot be negative.</summary>
    public long Count()
    {
        var value = Int64();
        return value >= 0 ? value : throw new WireFormatException($"A frame's field that cannot be negative holds {value}.");
    }

    public SequenceNumber Sequence() => new(Count());

    public PointId Point() => new((ulong)Int64());

    public DateTimeOffset Time()
    {
        var ticks = Int64();
        return ticks >= 0 && ticks <= DateTime.MaxValue.Ticks
            ? new DateTimeOffset(ticks, TimeSpan.Zero)
            : throw new WireFormatException($"A frame's time field holds {ticks}.");
    }

    public Guid Id() => new(Bytes(16), bigEndian: true);

    public T Enum<T>(T last)
        where T : struct, Enum
    {
        var value = Byte();
        return value <= Convert.ToByte(last, CultureInfo.InvariantCulture)
            ? (T)System.Enum.ToObject(typeof(T), value)
            : throw new WireFormatException($"A frame's {typeof(T).Name} field holds {value}.");
    }

    public string Text()
    {
        var length = UInt16();
        if (length > MaxTextBytes)
        {
            throw new WireFormatException($"A frame's text has {length} bytes.");
        }

        try
        {
            return StrictUtf8.GetString(Bytes(length));
        }
        catch (ArgumentException)
        {
            throw new WireFormatException("A frame's text is not UTF-8.");
        }
    }

    public string? OptionalText() => Text() is { Length: > 0 } text ? text : null;

    /// <summary>Nothing may be left over.</summary>
    public readonly void End()
    {
        if (!_rest.IsEmpty)
        {
            throw new WireFormatException($"A frame's payload has {_rest.Length} bytes too many.");
        }
    }
}
