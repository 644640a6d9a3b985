using System.Buffers;
using Dr.Edge.Nbd.Tls;
using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd;

/// <summary>The handshake with one client: frames in and out; what they mean is <see cref="NbdNegotiation"/>'s. Its time limit is the listener's.</summary>
/// <param name="attached">Called before the client is told that it may transmit: from then on it is no unfinished handshake to anybody.</param>
internal sealed class NbdHandshakeSession(INbdChannel channel, NbdTls? tls, ByteBuffer input, Func<bool> isStopping, Action attached)
{
    private readonly ArrayBufferWriter<byte> _replies = new(1024);

    /// <summary>What the client is spoken to through: the channel that was given, or TLS over it.</summary>
    public INbdChannel Channel { get; private set; } = channel;

    /// <summary>Runs until an export is chosen; null when the client left, broke the protocol or wanted no export.</summary>
    public NbdNegotiation? Run(IExportCatalog catalog)
    {
        OptionCodec.WriteGreeting(_replies.GetSpan(NbdProtocol.GreetingSize));
        _replies.Advance(NbdProtocol.GreetingSize);
        if (!Send() || !Fill(NbdProtocol.ClientFlagsSize) || !OptionCodec.TryReadClientFlags(input.Filled, out var flags))
        {
            return null;
        }

        input.Take(NbdProtocol.ClientFlagsSize);
        var negotiation = new NbdNegotiation(catalog, flags, tls?.Offer ?? TlsOffer.None);
        try
        {
            while (true)
            {
                switch (Haggle(negotiation))
                {
                    case NegotiationStep.Transmit:
                        var agreed = negotiation;
                        negotiation = null;
                        return agreed;
                    case NegotiationStep.StartTls:
                        // All that was agreed in plain text is forgotten: somebody else may have said it.
                        negotiation.Dispose();
                        negotiation = null;
                        if (SwitchToTls(catalog) is not { } visible)
                        {
                            return null;
                        }

                        negotiation = new NbdNegotiation(visible, flags, TlsOffer.Active);
                        break;
                    default:
                        return null;
                }
            }
        }
        finally
        {
            negotiation?.Dispose();
        }
    }

    /// <summary>What the client may see from now on; null when there is no TLS with it.</summary>
    private IExportCatalog? SwitchToTls(IExportCatalog catalog)
    {
        // Whatever stood behind STARTTLS in plain text was not said under TLS and is not looked at (CVE-2021-3716).
        input.Clear();
        if (tls?.Accept(Channel, catalog) is not { } accepted)
        {
            return null;
        }

        Channel = accepted.Channel;
        return accepted.Catalog;
    }

    /// <summary>Answers options until one is more than an answer. Close also when the client is gone.</summary>
    private NegotiationStep Haggle(NbdNegotiation negotiation)
    {
        while (Fill(NbdProtocol.OptionHeaderSize) && OptionCodec.TryReadOptionHeader(input.Filled, out var option, out var length))
        {
            input.Take(NbdProtocol.OptionHeaderSize);
            NegotiationStep step;
            if (isStopping())
            {
                OptionCodec.WriteError(_replies, option, NbdOptionReply.ErrorShutdown, "the server is shutting down");
                step = NegotiationStep.Close;
            }
            else if (option == NbdOption.Abort)
            {
                step = negotiation.Apply(option, [], _replies);
            }
            else if (length > NbdLimits.MaxOptionBytes)
            {
                if (!Skip(length))
                {
                    return NegotiationStep.Close;
                }

                step = negotiation.ApplyTooBig(option, _replies);
            }
            else
            {
                if (!Fill((int)length))
                {
                    return NegotiationStep.Close;
                }

                step = negotiation.Apply(option, input.Filled[..(int)length], _replies);
                input.Take((int)length);
            }

            if (step == NegotiationStep.Transmit)
            {
                attached();
            }

            if (!Send())
            {
                return NegotiationStep.Close;
            }

            if (step != NegotiationStep.Haggle)
            {
                return step;
            }
        }

        return NegotiationStep.Close;
    }

    private bool Send()
    {
        var sent = Channel.Send(_replies.WrittenSpan);
        _replies.ResetWrittenCount();
        return sent;
    }

    /// <summary>Waits until <paramref name="count"/> bytes are there.</summary>
    private bool Fill(int count)
    {
        while (input.Count < count)
        {
            if (!input.TryReserve(count - input.Count) || !Receive())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Takes bytes without keeping them, however many were announced.</summary>
    private bool Skip(uint count)
    {
        while (true)
        {
            var taken = (int)Math.Min(count, (uint)input.Count);
            input.Take(taken);
            count -= (uint)taken;
            if (count == 0)
            {
                return true;
            }

            if (!Receive())
            {
                return false;
            }
        }
    }

    private bool Receive()
    {
        var count = Channel.Receive(input.Free);
        if (count > 0)
        {
            input.Added(count);
        }

        // An idle timeout is the listener's business here as well: it has a shorter one for handshakes.
        return count is > 0 or INbdChannel.IdleTimeout;
    }
}
