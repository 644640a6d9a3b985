namespace Dr.Edge.Nbd;

/// <summary>The protocol's fixed numbers. All integers on the wire are in network order. The byte tables are in nbd.md.</summary>
internal static class NbdProtocol
{
    /// <summary>"NBDMAGIC".</summary>
    public const ulong GreetingMagic = 0x4e42444d41474943;

    /// <summary>"IHAVEOPT", in the greeting and in front of every option.</summary>
    public const ulong OptionMagic = 0x49484156454f5054;

    public const ulong OptionReplyMagic = 0x0003e889045565a9;

    public const uint RequestMagic = 0x25609513;

    public const uint SimpleReplyMagic = 0x67446698;

    public const uint StructuredReplyMagic = 0x668e33ef;

    public const uint ExtendedRequestMagic = 0x21e41c71;

    public const uint ExtendedReplyMagic = 0x6e8a278c;

    public const int GreetingSize = 18;

    public const int ClientFlagsSize = 4;

    public const int OptionHeaderSize = 16;

    public const int OptionReplyHeaderSize = 20;

    /// <summary>Answer to EXPORT_NAME: size, flags, and for old clients the padding.</summary>
    public const int ExportNameReplySize = 10;

    public const int ExportNamePadding = 124;

    public const int RequestSize = 28;

    public const int SimpleReplySize = 16;

    public const int StructuredReplySize = 20;

    public const int ExtendedRequestSize = 32;

    public const int ExtendedReplySize = 32;

    /// <summary>Offset in front of the data of an OFFSET_DATA chunk.</summary>
    public const int OffsetDataSize = 8;

    /// <summary>Error number and message length of an ERROR chunk.</summary>
    public const int ErrorChunkSize = 6;

    public const int ContextIdSize = 4;

    public const int ExtentSize = 8;

    /// <summary>Context and number of extents in front of a BLOCK_STATUS_EXT chunk's extents.</summary>
    public const int ExtendedStatusSize = 8;

    public const int ExtendedExtentSize = 16;

    /// <summary>Bits of a base:allocation extent: a hole, and reads as zeros.</summary>
    public const uint AllocationHole = 1;

    public const uint AllocationZero = 2;

    /// <summary>Bit of a qemu:dirty-bitmap extent: changed since the point.</summary>
    public const uint Dirty = 1;
}
