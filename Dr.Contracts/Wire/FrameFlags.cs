namespace Dr.Contracts.Wire;

[Flags]
public enum FrameFlags : byte
{
    None = 0,

    /// <summary>The payload is one zstd frame of <see cref="FrameHeader.RawLength"/> bytes.</summary>
    Zstd = 1,

    /// <summary>The message goes on in the next frame of the same stream and type; the last part has the flag clear.</summary>
    Continued = 2,
}
