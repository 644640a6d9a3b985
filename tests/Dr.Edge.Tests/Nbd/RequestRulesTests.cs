using System.Numerics;
using CsCheck;
using Dr.Edge.Nbd;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Nbd;

public sealed class RequestRulesTests
{
    private const ulong Size = 1024 * 1024;

    [Theory]
    [InlineData("Read", "Invalid")]
    [InlineData("Write", "NoSpace")]
    [InlineData("WriteZeroes", "NoSpace")]
    [InlineData("Trim", "Invalid")]
    [InlineData("Cache", "Invalid")]
    [InlineData("BlockStatus", "Invalid")]
    public void A_range_beyond_the_end_is_refused_with_the_error_of_its_command(string command, string error)
    {
        var (parsed, expected) = (Enum.Parse<NbdCommand>(command), Enum.Parse<NbdError>(error));
        Check(parsed, Size - 4096, 4096).ShouldBe(NbdError.None);
        Check(parsed, Size - 4095, 4096).ShouldBe(expected);
        Check(parsed, Size, 1).ShouldBe(expected);
        Check(parsed, ulong.MaxValue - 511, 512).ShouldBe(expected);
        Check(parsed, ulong.MaxValue, uint.MaxValue & 0x1ffffff).ShouldBe(expected);
    }

    [Fact]
    public void Payloads_beyond_the_promised_size_are_refused_and_zeroes_of_any_size_are_not()
    {
        const ulong Big = 8UL << 30;
        RequestRules.Check(new NbdRequest(default, NbdCommand.Read, 1, 0, NbdLimits.MaxPayloadBytes), Big, false, false, false).ShouldBe(NbdError.None);
        RequestRules.Check(new NbdRequest(default, NbdCommand.Read, 1, 0, NbdLimits.MaxPayloadBytes + 1), Big, false, false, false).ShouldBe(NbdError.Overflow);
        RequestRules.Check(new NbdRequest(default, NbdCommand.Write, 1, 0, NbdLimits.MaxPayloadBytes + 1), Big, false, false, false).ShouldBe(NbdError.Overflow);
        RequestRules.Check(new NbdRequest(default, NbdCommand.WriteZeroes, 1, 0, uint.MaxValue), Big, false, false, false).ShouldBe(NbdError.None);
        RequestRules.Check(new NbdRequest(default, NbdCommand.Trim, 1, 0, uint.MaxValue), Big, false, false, false).ShouldBe(NbdError.None);
    }

    [Fact]
    public void Read_only_exports_refuse_every_change_and_nothing_else()
    {
        foreach (var command in Enum.GetValues<NbdCommand>().Except([NbdCommand.Disconnect]))
        {
            var isChange = command is NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes;
            RequestRules.Check(new NbdRequest(default, command, 1, 0, 512), Size, isReadOnly: true, true, true).ShouldBe(isChange ? NbdError.NotPermitted : NbdError.None);
        }
    }

    [Fact]
    public void Fua_is_accepted_with_every_command()
    {
        foreach (var command in Enum.GetValues<NbdCommand>().Except([NbdCommand.Disconnect]))
        {
            RequestRules.Check(new NbdRequest(NbdCommandFlags.ForceUnitAccess, command, 1, 0, 512), Size, false, true, true).ShouldBe(NbdError.None);
        }
    }

    [Fact]
    public void Flags_that_were_not_offered_are_refused()
    {
        Check(NbdCommand.WriteZeroes, 0, 512, NbdCommandFlags.FastZero).ShouldBe(NbdError.Invalid);
        Check(NbdCommand.Write, 0, 512, NbdCommandFlags.NoHole).ShouldBe(NbdError.Invalid);
        Check(NbdCommand.Write, 0, 512, NbdCommandFlags.PayloadLength).ShouldBe(NbdError.Invalid);
        Check(NbdCommand.Cache, 0, 512, (NbdCommandFlags)0x8000).ShouldBe(NbdError.Invalid);
        RequestRules.Check(new NbdRequest(NbdCommandFlags.DontFragment, NbdCommand.Read, 1, 0, 512), Size, false, structuredReplies: false, false).ShouldBe(NbdError.Invalid);
        RequestRules.Check(new NbdRequest(NbdCommandFlags.DontFragment, NbdCommand.Read, 1, 0, 512), Size, false, structuredReplies: true, false).ShouldBe(NbdError.None);
    }

    [Fact]
    public void Block_status_needs_a_context_and_a_length()
    {
        RequestRules.Check(new NbdRequest(default, NbdCommand.BlockStatus, 1, 0, 512), Size, false, true, hasContext: false).ShouldBe(NbdError.Invalid);
        RequestRules.Check(new NbdRequest(default, NbdCommand.BlockStatus, 1, 0, 0), Size, false, true, hasContext: true).ShouldBe(NbdError.Invalid);
    }

    [Fact]
    public void Unknown_commands_are_refused() => Check((NbdCommand)99, 0, 0).ShouldBe(NbdError.Invalid);

    [Fact]
    public void No_request_that_passes_reaches_outside_the_device() =>
        Gen.Select(Gen.Enum<NbdCommand>(), Edgy64, Edgy32, Edgy64.Where(size => size <= long.MaxValue)).Sample(
            (command, offset, length, size) =>
            {
                if (command is NbdCommand.Flush or NbdCommand.Disconnect)
                {
                    return true;
                }

                var error = RequestRules.Check(new NbdRequest(default, command, 1, offset, length), size, false, true, true);
                return error != NbdError.None || (BigInteger)offset + length <= size;
            },
            iter: 10_000);

    [Fact]
    public void Every_error_of_a_device_has_a_number_of_the_protocol()
    {
        foreach (var error in Enum.GetValues<BlockError>())
        {
            Enum.IsDefined(RequestRules.ToWire(error)).ShouldBeTrue();
            RequestRules.ToWire(error).ShouldNotBe(NbdError.None);
        }
    }

    private static Gen<ulong> Edgy64 { get; } = Gen.OneOf(
        Gen.ULong,
        Gen.ULong[0, 10],
        Gen.Select(Gen.Int[0, 63], Gen.Int[-2, 2], (shift, delta) => unchecked((1UL << shift) + (ulong)delta)),
        Gen.ULong[ulong.MaxValue - 1024, ulong.MaxValue]);

    private static Gen<uint> Edgy32 { get; } = Gen.OneOf(Gen.UInt, Gen.UInt[0, 10], Gen.UInt[uint.MaxValue - 10, uint.MaxValue]);

    private static NbdError Check(NbdCommand command, ulong offset, uint length, NbdCommandFlags flags = NbdCommandFlags.None) =>
        RequestRules.Check(new NbdRequest(flags, command, 1, offset, length), Size, isReadOnly: false, structuredReplies: true, hasContext: true);
}
