using Dr.Contracts.Wire;

namespace Dr.Contracts.Tests.Wire;

public class MessageTests
{
    private const string Id = "00112233445566778899aabbccddeeff";
    private const string Chain = "0100" + Id + "0000000000000000";
    private const string Mark = "0807060504030201" + "1100000000000000";
    private const string Time = "002eb5118048df08";
    private const string Point = Mark + Time + "01" + "0200c3b6" + "0000";

    [Fact]
    public void The_bytes_of_every_message_are_those_of_version_one()
    {
        Golden(WireSamples.Hello, "0100" + "0100" + Id + "0600" + "70726f642d31" + "0500" + "302e312e30");
        Golden(WireSamples.Heartbeat, Time + "1100000000000000");
        Golden(WireSamples.Announce, Id + "0010000000000000" + "01" + "1100000000000000" + "0500" + "64696c6173" + Chain + "0100" + Mark);
        Golden(WireSamples.Position, "02" + "1000000000000000" + "0f00000000000000" + "0000000000000000" + "0807060504030201" + "0300000000000000" + Chain + "0100" + Mark);
        Golden(WireSamples.Rewind, "0c00000000000000");
        Golden(WireSamples.Notice, Point);
        Golden(WireSamples.DeltaBegin, Mark + "0500000000000000" + Point + Chain);
        Golden(WireSamples.Commit, Mark + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        Golden(WireSamples.Ack, "0300000000000000" + "0200000000000000" + "0100000000000000" + "0500000000000000" + "0807060504030201" + "0900000000000000");
        Golden(WireSamples.BlockRequest, "0807060504030201" + "0200" + "0100000000000000" + "0200000000000000");
        Golden(WireSamples.Refusal, "01" + "02006e6f" + "0300776879");
        Golden(WireSamples.Detach, "0700" + "72656d6f766564");
    }

    [Fact]
    public void The_bytes_of_what_version_two_added_are_these() => Golden(WireSamples.Mirror, "0700000000000000" + "02" + "01");

    [Fact]
    public void The_bytes_of_what_version_three_added_are_these()
    {
        Golden(WireSamples.Sizes, "0100" + "0010000000000000" + "0300000000000000" + "0807060504030201" + Time);
        Golden(WireSamples.DigestQuery, Mark + "0500000000000000" + "0200" + "4000");
        Golden(WireSamples.Digests, "0807060504030201" + "0500000000000000" + "4000" + "0200" + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    }

    [Fact]
    public void The_bytes_of_what_version_five_added_are_these()
    {
        Golden(WireSamples.MirrorWithAck, "0700000000000000" + "02" + "01" + "01");
        Golden(WireSamples.Flush, "1100000000000000");
    }

    [Fact]
    public void Every_message_is_read_back_as_it_was_written()
    {
        RoundTrip(WireSamples.Hello);
        RoundTrip(WireSamples.Heartbeat);
        RoundTrip(WireSamples.Announce);
        RoundTrip(WireSamples.Position);
        RoundTrip(WireSamples.Rewind);
        RoundTrip(WireSamples.Notice);
        RoundTrip(WireSamples.DeltaBegin);
        RoundTrip(WireSamples.Commit);
        RoundTrip(WireSamples.Ack);
        RoundTrip(WireSamples.BlockRequest);
        RoundTrip(WireSamples.Refusal);
        RoundTrip(WireSamples.Detach);
        RoundTrip(WireSamples.Mirror);
        RoundTrip(WireSamples.MirrorWithAck);
        RoundTrip(WireSamples.Flush);
        RoundTrip(WireSamples.Sizes);
        RoundTrip(WireSamples.DigestQuery);
        RoundTrip(WireSamples.Digests);
    }

    [Fact]
    public void A_message_cut_short_or_with_bytes_left_over_is_refused()
    {
        var whole = WireMessage.Encode(WireSamples.Announce);
        for (var length = 0; length < whole.Length; length++)
        {
            Should.Throw<WireFormatException>(() => WireMessage.Decode<Announce>(whole.AsSpan(0, length)));
        }

        Should.Throw<WireFormatException>(() => WireMessage.Decode<Announce>([.. whole, 0]));
    }

    [Theory]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(1, 3, 2, 5, 3)]
    [InlineData(1, 2, 2, 2, 2)]
    [InlineData(1, 1, 2, 3, null)]
    [InlineData(4, 5, 1, 3, null)]
    public void The_newest_version_that_both_understand_is_used(int oldest, int newest, int theirOldest, int theirNewest, int? expected)
    {
        Hello.Negotiate(
            WireSamples.Hello with { OldestVersion = oldest, NewestVersion = newest },
            WireSamples.Hello with { OldestVersion = theirOldest, NewestVersion = theirNewest }).ShouldBe(expected);
    }

    private static void Golden<T>(T message, string hex)
        where T : IWireMessage<T> => Convert.ToHexStringLower(WireMessage.Encode(message)).ShouldBe(hex, typeof(T).Name);

    private static void RoundTrip<T>(T message)
        where T : IWireMessage<T>
    {
        var bytes = WireMessage.Encode(message);
        WireMessage.Encode(WireMessage.Decode<T>(bytes)).ShouldBe(bytes);
    }
}
