using System.Buffers.Binary;
using System.Buffers;
using System.Text;
using CsCheck;
using Dr.Contracts.Errors;
using Dr.Edge.Nbd;

namespace Dr.Edge.Tests.Nbd;

public sealed class NbdNegotiationTests
{
    private const NbdClientFlags Modern = NbdClientFlags.FixedNewstyle | NbdClientFlags.NoZeroes;

    private readonly MemoryCatalog _catalog = new();
    private readonly ArrayBufferWriter<byte> _replies = new();

    public NbdNegotiationTests()
    {
        _catalog.Add("alpha", new MemoryDevice(1024 * 1024));
        _catalog.Add("alpha@p1", new MemoryDevice(1024 * 1024, isReadOnly: true));
    }

    [Fact]
    public void Greeting_has_the_documented_bytes()
    {
        var greeting = new byte[NbdProtocol.GreetingSize];
        OptionCodec.WriteGreeting(greeting);
        Convert.ToHexString(greeting).ShouldBe("4E42444D41474943" + "49484156454F5054" + "0003");
    }

    [Fact]
    public void Unknown_client_flags_are_not_accepted()
    {
        OptionCodec.TryReadClientFlags(ScriptedClient.Bytes32(3), out _).ShouldBeTrue();
        OptionCodec.TryReadClientFlags(ScriptedClient.Bytes32(4), out _).ShouldBeFalse();
        OptionCodec.TryReadClientFlags(ScriptedClient.Bytes32(0x8000_0001), out _).ShouldBeFalse();
    }

    [Fact]
    public void Go_answers_size_and_flags_with_the_documented_bytes()
    {
        using var negotiation = new NbdNegotiation(_catalog, Modern);
        negotiation.Apply(NbdOption.Go, ScriptedClient.InfoData("alpha"), _replies).ShouldBe(NegotiationStep.Transmit);
        Convert.ToHexString(_replies.WrittenSpan).ShouldBe(
            "0003E889045565A9" + "00000007" + "00000003" + "0000000C" + "0000" + "0000000000100000" + "0D6D" +
            "0003E889045565A9" + "00000007" + "00000001" + "00000000");
    }

    [Fact]
    public void Export_name_answers_without_header_and_pads_for_clients_that_want_it()
    {
        using (var negotiation = new NbdNegotiation(_catalog, Modern))
        {
            negotiation.Apply(NbdOption.ExportName, "alpha"u8, _replies).ShouldBe(NegotiationStep.Transmit);
            Convert.ToHexString(_replies.WrittenSpan).ShouldBe("0000000000100000" + "0D6D");
        }

        _replies.ResetWrittenCount();
        using var old = new NbdNegotiation(_catalog, NbdClientFlags.None);
        old.Apply(NbdOption.ExportName, "alpha@p1"u8, _replies).ShouldBe(NegotiationStep.Transmit);
        Convert.ToHexString(_replies.WrittenSpan).ShouldBe("0000000000100000" + "050F" + new string('0', 248));
    }

    [Fact]
    public void Unknown_names_close_after_export_name_and_go_on_after_go()
    {
        using var negotiation = new NbdNegotiation(_catalog, Modern);
        negotiation.Apply(NbdOption.ExportName, "nobody"u8, _replies).ShouldBe(NegotiationStep.Close);
        _replies.WrittenCount.ShouldBe(0);
        Answers(negotiation, NbdOption.Go, ScriptedClient.InfoData("nobody")).ShouldBe([NbdOptionReply.ErrorUnknown]);
        Answers(negotiation, NbdOption.Info, ScriptedClient.InfoData("alpha")).ShouldBe([NbdOptionReply.Info, NbdOptionReply.Ack]);
    }

    [Fact]
    public void Info_repeated_then_go_agree_and_open_the_export_once()
    {
        using var negotiation = new NbdNegotiation(_catalog, Modern);
        byte[]? first = null;
        for (var round = 0; round < 100; round++)
        {
            _replies.ResetWrittenCount();
            negotiation.Apply(NbdOption.Info, ScriptedClient.InfoData("alpha", 1, 2, 3, 99), _replies);
            first ??= _replies.WrittenSpan.ToArray();
            _replies.WrittenSpan.SequenceEqual(first).ShouldBeTrue();
            _catalog.OpenLeases.ShouldBe(1);
        }

        _replies.ResetWrittenCount();
        negotiation.Apply(NbdOption.Go, ScriptedClient.InfoData("alpha", 1, 2, 3, 99), _replies);
        Kinds(_replies.WrittenSpan).ShouldBe(Kinds(first));
        _catalog.OpenLeases.ShouldBe(1);
        negotiation.Dispose();
        _catalog.OpenLeases.ShouldBe(0);
    }

    [Fact]
    public void List_names_every_export_and_takes_no_data()
    {
        using var negotiation = new NbdNegotiation(_catalog, Modern);
        Answers(negotiation, NbdOption.List, []).ShouldBe([NbdOptionReply.Server, NbdOptionReply.Server, NbdOptionReply.Ack]);
        Answers(negotiation, NbdOption.List, [1]).ShouldBe([NbdOptionReply.ErrorInvalid]);
        Answers(negotiation, NbdOption.StructuredReply, [1]).ShouldBe([NbdOptionReply.ErrorInvalid]);
        negotiation.Form.ShouldBe(ReplyForm.Simple);
    }

    [Fact]
    public void Tls_and_unknown_options_are_unsupported_and_never_demanded()
    {
        using var negotiation = new NbdNegotiation(_catalog, Modern);
        Answers(negotiation, NbdOption.StartTls, []).ShouldBe([NbdOptionReply.ErrorUnsupported]);
        Answers(negotiation, (NbdOption)0x7fff_ffff, [1, 2, 3]).ShouldBe([NbdOptionReply.ErrorUnsupported]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("000000")]
    [InlineData("00000005616C706861")]
    [InlineData("00000005616C70686100")]
    [InlineData("00000005616C7068610001")]
    [InlineData("00000005616C706861000000")]
    [InlineData("FFFFFFFF616C7068610000")]
    [InlineData("00000005616C7000610000")]
    [InlineData("00000002FFFE0000")]
    public void Malformed_requests_for_an_export_are_invalid_and_in_step(string hex)
    {
        using var negotiation = new NbdNegotiation(_catalog, Modern);
        Answers(negotiation, NbdOption.Go, Convert.FromHexString(hex)).ShouldBe([NbdOptionReply.ErrorInvalid]);
        Answers(negotiation, NbdOption.Info, Convert.FromHexString(hex)).ShouldBe([NbdOptionReply.ErrorInvalid]);
    }

    [Fact]
    public void Names_up_to_4096_bytes_are_looked_up_and_longer_ones_are_invalid()
    {
        using var negotiation = new NbdNegotiation(_catalog, Modern);
        Answers(negotiation, NbdOption.Info, ScriptedClient.InfoData(new string('n', 3000))).ShouldBe([NbdOptionReply.ErrorUnknown]);
        Answers(negotiation, NbdOption.Info, ScriptedClient.InfoData(new string('n', 4096))).ShouldBe([NbdOptionReply.ErrorUnknown]);
        Answers(negotiation, NbdOption.Info, ScriptedClient.InfoData(new string('n', 4097))).ShouldBe([NbdOptionReply.ErrorInvalid]);
    }

    [Fact]
    public void An_export_that_cannot_be_opened_now_says_why()
    {
        _catalog.Refusal = new DrException("The volume is being restored.", "Wait for it.");
        using var negotiation = new NbdNegotiation(_catalog, Modern);
        Answers(negotiation, NbdOption.Go, ScriptedClient.InfoData("alpha")).ShouldBe([NbdOptionReply.ErrorPolicy]);
        Encoding.UTF8.GetString(_replies.WrittenSpan[NbdProtocol.OptionReplyHeaderSize..]).ShouldBe("The volume is being restored. Wait for it.");
    }

    [Fact]
    public void Contexts_need_structured_replies_first()
    {
        using var negotiation = new NbdNegotiation(_catalog, Modern);
        Answers(negotiation, NbdOption.SetMetaContext, ScriptedClient.ContextData("alpha", "base:allocation")).ShouldBe([NbdOptionReply.ErrorInvalid]);
        negotiation.Contexts.ShouldBeEmpty();
    }

    [Fact]
    public void Wildcard_lists_and_selects_nothing()
    {
        using var negotiation = Structured();
        Answers(negotiation, NbdOption.ListMetaContext, ScriptedClient.ContextData("alpha")).ShouldBe([NbdOptionReply.MetaContext, NbdOptionReply.MetaContext, NbdOptionReply.Ack]);
        Answers(negotiation, NbdOption.ListMetaContext, ScriptedClient.ContextData("alpha", "base:")).ShouldBe([NbdOptionReply.MetaContext, NbdOptionReply.Ack]);
        Answers(negotiation, NbdOption.ListMetaContext, ScriptedClient.ContextData("alpha", "x-other:y")).ShouldBe([NbdOptionReply.Ack]);
        Answers(negotiation, NbdOption.SetMetaContext, ScriptedClient.ContextData("alpha", "base:")).ShouldBe([NbdOptionReply.Ack]);
        negotiation.Contexts.ShouldBeEmpty();
    }

    [Fact]
    public void The_last_selection_counts_also_when_it_is_empty_or_fails()
    {
        using var negotiation = Structured();
        var good = ScriptedClient.ContextData("alpha", "x-other:y", "base:allocation");
        Answers(negotiation, NbdOption.SetMetaContext, good).ShouldBe([NbdOptionReply.MetaContext, NbdOptionReply.Ack]);
        negotiation.Contexts.ShouldHaveSingleItem().Name.ShouldBe("base:allocation");

        Answers(negotiation, NbdOption.SetMetaContext, ScriptedClient.ContextData("alpha")).ShouldBe([NbdOptionReply.Ack]);
        negotiation.Contexts.ShouldBeEmpty();

        foreach (var bad in new[] { good[..^1], [.. good, 0], ScriptedClient.ContextData("nobody", "base:allocation") })
        {
            Answers(negotiation, NbdOption.SetMetaContext, good);
            Answers(negotiation, NbdOption.SetMetaContext, bad)[0].ShouldBeOneOf(NbdOptionReply.ErrorInvalid, NbdOptionReply.ErrorUnknown);
            negotiation.Contexts.ShouldBeEmpty();
        }

        Answers(negotiation, NbdOption.SetMetaContext, good);
        _replies.ResetWrittenCount();
        negotiation.ApplyTooBig(NbdOption.SetMetaContext, _replies).ShouldBe(NegotiationStep.Haggle);
        negotiation.Contexts.ShouldBeEmpty();
    }

    [Fact]
    public void A_context_counts_only_for_its_own_export()
    {
        using var negotiation = Structured();
        Answers(negotiation, NbdOption.SetMetaContext, ScriptedClient.ContextData("alpha", "base:allocation"));
        negotiation.Apply(NbdOption.Go, ScriptedClient.InfoData("alpha@p1"), _replies).ShouldBe(NegotiationStep.Transmit);
        negotiation.Contexts.ShouldBeEmpty();
    }

    [Fact]
    public void Any_sequence_of_any_options_keeps_replies_well_formed_and_leases_counted() =>
        Gen.Select(Gen.UInt[0, 12], AnyData).List[1, 12].Sample(
            options =>
            {
                var catalog = new MemoryCatalog();
                catalog.Add("alpha", new MemoryDevice(4096));
                var replies = new ArrayBufferWriter<byte>();
                using (var negotiation = new NbdNegotiation(catalog, Modern))
                {
                    foreach (var (option, data) in options)
                    {
                        replies.ResetWrittenCount();
                        var step = negotiation.Apply((NbdOption)option, data, replies);
                        catalog.OpenLeases.ShouldBeInRange(step == NegotiationStep.Transmit ? 1 : 0, 2);
                        if (option != (uint)NbdOption.ExportName)
                        {
                            var kinds = Kinds(replies.WrittenSpan);
                            kinds.ShouldNotBeEmpty();
                            (kinds[^1] == NbdOptionReply.Ack || (uint)kinds[^1] >= 0x8000_0000).ShouldBeTrue();
                        }

                        if (step != NegotiationStep.Haggle)
                        {
                            break;
                        }
                    }
                }

                catalog.OpenLeases.ShouldBe(0);
            },
            iter: 10_000);

    private static Gen<byte[]> AnyData { get; } = Gen.OneOf(
        Gen.Byte.Array[0, 40],
        Gen.Const(ScriptedClient.InfoData("alpha", 3)),
        Gen.Const(ScriptedClient.ContextData("alpha", "base:allocation")),
        Gen.Const("alpha"u8.ToArray()),
        Gen.Select(Gen.Const(ScriptedClient.ContextData("alpha", "base:", "base:allocation")), Gen.Int[0, 45], Gen.Byte, Damage),
        Gen.Select(Gen.Const(ScriptedClient.InfoData("alpha", 0, 1, 2, 3)), Gen.Int[0, 18], Gen.Byte, Damage));

    private static byte[] Damage(byte[] data, int index, byte value)
    {
        var damaged = data.ToArray();
        damaged[index % damaged.Length] = value;
        return damaged;
    }

    private NbdNegotiation Structured()
    {
        var negotiation = new NbdNegotiation(_catalog, Modern);
        Answers(negotiation, NbdOption.StructuredReply, []).ShouldBe([NbdOptionReply.Ack]);
        return negotiation;
    }

    private List<NbdOptionReply> Answers(NbdNegotiation negotiation, NbdOption option, byte[] data)
    {
        _replies.ResetWrittenCount();
        negotiation.Apply(option, data, _replies).ShouldBe(NegotiationStep.Haggle);
        return Kinds(_replies.WrittenSpan);
    }

    /// <summary>The kinds of replies in order; fails when the frames do not fill the bytes exactly.</summary>
    private static List<NbdOptionReply> Kinds(ReadOnlySpan<byte> bytes)
    {
        var kinds = new List<NbdOptionReply>();
        while (bytes.Length > 0)
        {
            BinaryPrimitives.ReadUInt64BigEndian(bytes).ShouldBe(NbdProtocol.OptionReplyMagic);
            kinds.Add((NbdOptionReply)BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]));
            bytes = bytes[(NbdProtocol.OptionReplyHeaderSize + (int)BinaryPrimitives.ReadUInt32BigEndian(bytes[16..]))..];
        }

        return kinds;
    }
}
