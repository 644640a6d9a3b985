namespace Dr.Edge.Volumes.Format;

/// <summary>CRC-32C as the store's formats carry it: the wire's, with the inversion at both ends of every part.</summary>
internal static class Crc32C
{
    public static uint Compute(ReadOnlySpan<byte> data) => Contracts.Wire.Crc32C.Compute(data);

    /// <summary>The checksum of what <paramref name="checksum"/> covers followed by <paramref name="data"/>.</summary>
    public static uint Append(uint checksum, ReadOnlySpan<byte> data) => ~Contracts.Wire.Crc32C.Append(~checksum, data);
}
