using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

public sealed class ReplyCodecTests
{
    [Fact]
    public void Simple_reply_has_the_documented_bytes()
    {
        var bytes = Dirty(NbdProtocol.SimpleReplySize);
        ReplyCodec.WriteSimple(bytes, 0x1122334455667788, NbdError.NoSpace);
        Hex(bytes).ShouldBe("67446698" + "0000001C" + "1122334455667788");
    }

    [Fact]
    public void Data_chunk_has_the_documented_bytes()
    {
        var bytes = Dirty(NbdProtocol.StructuredReplySize + NbdProtocol.OffsetDataSize);
        ReplyCodec.WriteDataHeader(bytes, ReplyForm.Structured, 2, 0x1000, 512);
        Hex(bytes).ShouldBe("668E33EF" + "0001" + "0001" + "0000000000000002" + "00000208" + "0000000000001000");
    }

    [Fact]
    public void Error_chunk_has_the_documented_bytes()
    {
        var bytes = Dirty(NbdProtocol.StructuredReplySize + NbdProtocol.ErrorChunkSize);
        ReplyCodec.WriteErrorChunk(bytes, ReplyForm.Structured, 3, 0x1000, NbdError.IO);
        Hex(bytes).ShouldBe("668E33EF" + "0001" + "8001" + "0000000000000003" + "00000006" + "00000005" + "0000");
    }

    [Fact]
    public void Status_chunk_has_the_documented_bytes()
    {
        var bytes = Dirty(NbdProtocol.StructuredReplySize + NbdProtocol.ContextIdSize + (2 * NbdProtocol.ExtentSize));
        ReplyCodec.WriteStatusHeader(bytes, ReplyForm.Structured, 4, 0x1000, 1, 2, isLast: true);
        ReplyCodec.WriteExtent(bytes.AsSpan(24), ReplyForm.Structured, 0x1000, 0);
        ReplyCodec.WriteExtent(bytes.AsSpan(32), ReplyForm.Structured, 0x2000, NbdProtocol.AllocationHole | NbdProtocol.AllocationZero);
        Hex(bytes).ShouldBe("668E33EF" + "0001" + "0005" + "0000000000000004" + "00000014" + "00000001" + "0000100000000000" + "0000200000000003");
    }

    [Fact]
    public void Extended_data_chunk_has_the_documented_bytes()
    {
        var bytes = Dirty(ReplyCodec.DataHeaderSize(ReplyForm.Extended));
        ReplyCodec.WriteDataHeader(bytes, ReplyForm.Extended, 2, 0x1000, 512);
        Hex(bytes).ShouldBe("6E8A278C" + "0001" + "0001" + "0000000000000002" + "0000000000001000" + "0000000000000208" + "0000000000001000");
    }

    [Fact]
    public void Extended_error_and_success_have_the_documented_bytes()
    {
        var bytes = Dirty(NbdProtocol.ExtendedReplySize + NbdProtocol.ErrorChunkSize);
        ReplyCodec.WriteErrorChunk(bytes, ReplyForm.Extended, 3, 0x1000, NbdError.IO);
        Hex(bytes).ShouldBe("6E8A278C" + "0001" + "8001" + "0000000000000003" + "0000000000001000" + "0000000000000006" + "00000005" + "0000");
        bytes = Dirty(NbdProtocol.ExtendedReplySize);
        ReplyCodec.WriteChunkHeader(bytes, ReplyForm.Extended, NbdChunk.None, 3, 0x1000, 0);
        Hex(bytes).ShouldBe("6E8A278C" + "0001" + "0000" + "0000000000000003" + "0000000000001000" + "0000000000000000");
    }

    [Fact]
    public void Extended_status_chunk_has_the_documented_bytes()
    {
        var bytes = Dirty(ReplyCodec.StatusHeaderSize(ReplyForm.Extended) + NbdProtocol.ExtendedExtentSize);
        ReplyCodec.WriteStatusHeader(bytes, ReplyForm.Extended, 4, 0x1000, 7, 1, isLast: false);
        ReplyCodec.WriteExtent(bytes.AsSpan(40), ReplyForm.Extended, 1L << 40, 1);
        Hex(bytes).ShouldBe("6E8A278C" + "0000" + "0006" + "0000000000000004" + "0000000000001000" + "0000000000000018" + "00000007" + "00000001" + "0000010000000000" + "0000000000000001");
    }

    [Fact]
    public void Only_the_error_numbers_of_the_protocol_exist() =>
        Enum.GetValues<NbdError>().Select(error => (uint)error).ShouldBe([0u, 1, 5, 12, 22, 28, 75, 95, 108]);

    private static byte[] Dirty(int size)
    {
        var bytes = new byte[size];
        Array.Fill(bytes, (byte)0xA5);
        return bytes;
    }

    private static string Hex(byte[] bytes) => Convert.ToHexString(bytes);
}
