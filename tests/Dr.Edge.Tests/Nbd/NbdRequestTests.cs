using CsCheck;
using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

public sealed class NbdRequestTests
{
    [Fact]
    public void Request_is_read_from_the_bytes_that_the_protocol_documents()
    {
        var golden = Convert.FromHexString("25609513" + "0001" + "0001" + "0102030405060708" + "0000000000001000" + "00000200");

        NbdRequest.TryRead(golden, out var request).ShouldBeTrue();

        request.ShouldBe(new NbdRequest(NbdCommandFlags.ForceUnitAccess, NbdCommand.Write, 0x0102030405060708, 4096, 512));
        request.PayloadLength.ShouldBe(512u);
    }

    [Fact]
    public void Wrong_magic_is_no_request() =>
        NbdRequest.TryRead(Convert.FromHexString("25609514" + "000000000000000000000000000000000000000000000000"), out _).ShouldBeFalse();

    [Fact]
    public void Every_request_survives_writing_and_reading() =>
        Gen.Select(Gen.UShort, Gen.UShort, Gen.ULong, Gen.ULong, Gen.UInt).Sample(
            (flags, command, cookie, offset, length) =>
            {
                var request = new NbdRequest((NbdCommandFlags)flags, (NbdCommand)command, cookie, offset, length);
                var bytes = new byte[NbdProtocol.RequestSize];
                request.Write(bytes);
                return NbdRequest.TryRead(bytes, out var read) && read == request;
            },
            iter: 10_000);

    [Fact]
    public void Only_writes_carry_a_payload()
    {
        foreach (var command in Enum.GetValues<NbdCommand>())
        {
            new NbdRequest(NbdCommandFlags.None, command, 1, 0, 512).PayloadLength.ShouldBe(command == NbdCommand.Write ? 512u : 0);
        }
    }
}
