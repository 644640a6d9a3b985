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
        RequestRules.Check(new NbdRequest(default, NbdCommand.Read, 1, 0, NbdLimits.MaxPayloadBytes), Big, false, ReplyForm.Simple, false).ShouldBe(NbdError.None);
        RequestRules.Check(new NbdRequest(default, NbdCommand.Read, 1, 0, NbdLimits.MaxPayloadBytes + 1), Big, false, ReplyForm.Simple, false).ShouldBe(NbdError.Overflow);
        RequestRules.Check(new NbdRequest(default, NbdCommand.Write, 1, 0, NbdLimits.MaxPayloadBytes + 1), Big, false, ReplyForm.Simple, false).ShouldBe(NbdError.Overflow);
        RequestRules.Check(new NbdRequest(default, NbdCommand.WriteZeroes, 1, 0, uint.MaxValue), Big, false, ReplyForm.Simple, false).ShouldBe(NbdError.None);
        RequestRules.Check(new NbdRequest(default, NbdCommand.Trim, 1, 0, uint.MaxValue), Big, false, ReplyForm.Simple, false).ShouldBe(NbdError.None);
    }

    [Fact]
    public void Read_only_exports_refuse_every_change_and_nothing_else()
    {
        foreach (var command in Enum.GetValues<NbdCommand>().Except([NbdCommand.Disconnect]))
        {
            var isChange = command is NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes;
            RequestRules.Check(new NbdRequest(default, command, 1, 0, 512), Size, isReadOnly: true, ReplyForm.Structured, true).ShouldBe(isChange ? NbdError.NotPermitted : NbdError.None);
        }
    }

    [Fact]
    public void Fua_is_accepted_with_every_command()
    {
        foreach (var command in Enum.GetValues<NbdCommand>().Except([NbdCommand.Disconnect]))
        {
            RequestRules.Check(new NbdRequest(NbdCommandFlags.ForceUnitAccess, command, 1, 0, 512), Size, false, ReplyForm.Structured, true).ShouldBe(NbdError.None);
        }
    }

    [Fact]
    public void Flags_that_were_not_offered_are_refused()
    {
        Check(NbdCommand.Trim, 0, 512, NbdCommandFlags.FastZero).ShouldBe(NbdError.Invalid);
        Check(NbdCommand.WriteZeroes, 0, 512, NbdCommandFlags.FastZero | NbdCommandFlags.NoHole).ShouldBe(NbdError.None);
        Check(NbdCommand.Write, 0, 512, NbdCommandFlags.NoHole).ShouldBe(NbdError.Invalid);
        Check(NbdCommand.Write, 0, 512, NbdCommandFlags.PayloadLength).ShouldBe(NbdError.Invalid);
        Check(NbdCommand.Cache, 0, 512, (NbdCommandFlags)0x8000).ShouldBe(NbdError.Invalid);
        RequestRules.Check(new NbdRequest(NbdCommandFlags.DontFragment, NbdCommand.Read, 1, 0, 512), Size, false, ReplyForm.Simple, false).ShouldBe(NbdError.Invalid);
        RequestRules.Check(new NbdRequest(NbdCommandFlags.DontFragment, NbdCommand.Read, 1, 0, 512), Size, false, ReplyForm.Structured, false).ShouldBe(NbdError.None);
    }

    [Fact]
    public void The_payload_flag_goes_with_writes_of_extended_headers_only()
    {
        foreach (var command in Enum.GetValues<NbdCommand>())
        {
            var request = new NbdRequest(NbdCommandFlags.PayloadLength, command, 1, 0, 512);
            RequestRules.Check(request, Size, false, ReplyForm.Extended, true).ShouldBe(command == NbdCommand.Write ? NbdError.None : NbdError.Invalid);
            RequestRules.Check(request, Size, false, ReplyForm.Structured, true).ShouldBe(NbdError.Invalid);
        }
    }

    [Fact]
    public void Effects_of_64_bits_pass_with_extended_headers_and_payloads_do_not()
    {
        const ulong Huge = 1UL << 44;
        RequestRules.Check(new NbdRequest(default, NbdCommand.Trim, 1, 0, Huge), Huge, false, ReplyForm.Extended, true).ShouldBe(NbdError.None);
        RequestRules.Check(new NbdRequest(default, NbdCommand.WriteZeroes, 1, 4096, Huge - 4096), Huge, false, ReplyForm.Extended, true).ShouldBe(NbdError.None);
        RequestRules.Check(new NbdRequest(default, NbdCommand.BlockStatus, 1, 0, Huge), Huge, false, ReplyForm.Extended, true).ShouldBe(NbdError.None);
        RequestRules.Check(new NbdRequest(default, NbdCommand.Read, 1, 0, Huge), Huge, false, ReplyForm.Extended, true).ShouldBe(NbdError.Overflow);
        RequestRules.Check(new NbdRequest(NbdCommandFlags.PayloadLength, NbdCommand.Write, 1, 0, Huge), Huge, false, ReplyForm.Extended, true).ShouldBe(NbdError.Overflow);
    }

    [Fact]
    public void Block_status_needs_a_context_and_a_length()
    {
        RequestRules.Check(new NbdRequest(default, NbdCommand.BlockStatus, 1, 0, 512), Size, false, ReplyForm.Structured, hasContext: false).ShouldBe(NbdError.Invalid);
        RequestRules.Check(new NbdRequest(default, NbdCommand.BlockStatus, 1, 0, 0), Size, false, ReplyForm.Structured, hasContext: true).ShouldBe(NbdError.Invalid);
    }

    [Fact]
    public void Unknown_commands_are_refused() => Check((NbdCommand)99, 0, 0).ShouldBe(NbdError.Invalid);

    [Fact]
    public void No_request_that_passes_reaches_outside_the_device() =>
        Gen.Select(Gen.Enum<NbdCommand>(), Edgy64, Edgy64, Edgy64.Where(size => size <= long.MaxValue)).Sample(
            (command, offset, length, size) =>
            {
                if (command is NbdCommand.Flush or NbdCommand.Disconnect)
                {
                    return true;
                }

                var error = RequestRules.Check(new NbdRequest(default, command, 1, offset, length), size, false, ReplyForm.Extended, true);
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

    private static NbdError Check(NbdCommand command, ulong offset, uint length, NbdCommandFlags flags = NbdCommandFlags.None) =>
        RequestRules.Check(new NbdRequest(flags, command, 1, offset, length), Size, isReadOnly: false, ReplyForm.Structured, hasContext: true);
}
