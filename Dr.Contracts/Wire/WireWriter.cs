using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Dr.Contracts.Wire;

/// <summary>Appends fields of a payload. Little-endian; ids in network order; texts as 16-bit byte count and UTF-8.</summary>
public readonly ref struct WireWriter(IBufferWriter<byte> output)
{
    private readonly IBufferWriter<byte> _output = output;

    public void Byte(byte value)
    {
        _output.GetSpan(1)[0] = value;
        _output.Advance(1);
    }

    public void UInt16(int value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_output.GetSpan(sizeof(ushort)), checked((ushort)value));
        _output.Advance(sizeof(ushort));
    }

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_output.GetSpan(sizeof(uint)), value);
        _output.Advance(sizeof(uint));
    }

    public void Int64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_output.GetSpan(sizeof(long)), value);
        _output.Advance(sizeof(long));
    }

    public void Sequence(SequenceNumber value) => Int64(value.Value);

    public void Point(PointId value) => Int64((long)value.Bits);

    /// <summary>UTC ticks of 100 ns since the year 1.</summary>
    public void Time(DateTimeOffset value) => Int64(value.UtcTicks);

    public void Id(Guid value)
    {
        value.TryWriteBytes(_output.GetSpan(16), bigEndian: true, out _);
        _output.Advance(16);
    }

    public void Bytes(ReadOnlySpan<byte> value) => _output.Write(value);

    public void Text(string? value)
    {
        var bytes = Encoding.UTF8.GetBytes(value ?? "");
        if (bytes.Length > WireReader.MaxTextBytes)
        {
            bytes = Encoding.UTF8.GetBytes(value![..(WireReader.MaxTextBytes / 4)]);
        }

        UInt16(bytes.Length);
        Bytes(bytes);
    }
}
