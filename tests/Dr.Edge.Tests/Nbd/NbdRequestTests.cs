using CsCheck;
using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

public sealed class NbdRequestTests
{
    [Fact]
    public void Request_is_read_from_the_bytes_that_the_protocol_documents()
    {
        var golden = Convert.FromHexString("25609513" + "0001" + "0001" + "0102030405060708" + "0000000000001000" + "00000200");

        NbdRequest.TryRead(golden, ReplyForm.Structured, out var request).ShouldBeTrue();

        request.ShouldBe(new NbdRequest(NbdCommandFlags.ForceUnitAccess, NbdCommand.Write, 0x0102030405060708, 4096, 512));
        request.PayloadLength.ShouldBe(512UL);
    }

    [Fact]
    public void Wrong_magic_is_no_request() =>
        NbdRequest.TryRead(Convert.FromHexString("25609514" + "000000000000000000000000000000000000000000000000"), ReplyForm.Simple, out _).ShouldBeFalse();

    [Fact]
    public void Extended_request_is_read_from_the_bytes_that_the_protocol_documents()
    {
        var golden = Convert.FromHexString("21E41C71" + "0020" + "0001" + "0102030405060708" + "0000000000001000" + "0000000000000200");

        NbdRequest.TryRead(golden, ReplyForm.Extended, out var request).ShouldBeTrue();

        request.ShouldBe(new NbdRequest(NbdCommandFlags.PayloadLength, NbdCommand.Write, 0x0102030405060708, 4096, 512));
        request.PayloadLength.ShouldBe(512UL);
        NbdRequest.TryRead(golden, ReplyForm.Structured, out _).ShouldBeFalse();
    }

    [Fact]
    public void Every_request_survives_writing_and_reading() =>
        Gen.Select(Gen.UShort, Gen.UShort, Gen.ULong, Gen.ULong, Gen.ULong, Gen.Enum<ReplyForm>()).Sample(
            (flags, command, cookie, offset, length, form) =>
            {
                var isExtended = form == ReplyForm.Extended;
                var request = new NbdRequest((NbdCommandFlags)(isExtended ? flags : flags & ~0x20), (NbdCommand)command, cookie, offset, isExtended ? length : (uint)length);
                var bytes = new byte[NbdRequest.SizeOf(form)];
                request.Write(bytes, form);
                return NbdRequest.TryRead(bytes, form, out var read) && read == request;
            },
            iter: 10_000);

    [Fact]
    public void Only_writes_carry_a_payload_unless_the_flag_of_extended_headers_says_so()
    {
        foreach (var command in Enum.GetValues<NbdCommand>())
        {
            new NbdRequest(NbdCommandFlags.None, command, 1, 0, 512).PayloadLength.ShouldBe(command == NbdCommand.Write ? 512UL : 0);
            new NbdRequest(NbdCommandFlags.PayloadLength, command, 1, 0, 512).PayloadLength.ShouldBe(512UL);
        }
    }

    [Fact]
    public void Without_extended_headers_the_payload_flag_is_unknown_and_announces_nothing()
    {
        var bytes = new byte[NbdProtocol.RequestSize];
        new NbdRequest(NbdCommandFlags.PayloadLength, NbdCommand.Trim, 1, 0, 512).Write(bytes);
        NbdRequest.TryRead(bytes, ReplyForm.Structured, out var request).ShouldBeTrue();
        request.PayloadLength.ShouldBe(0UL);
        request.Flags.ShouldBe(NbdCommandFlags.Unknown);
    }
}
