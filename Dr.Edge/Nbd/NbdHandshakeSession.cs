using System.Buffers;

namespace Dr.Edge.Nbd;

/// <summary>The handshake with one client: frames in and out; what they mean is <see cref="NbdNegotiation"/>'s. Its time limit is the listener's.</summary>
internal sealed class NbdHandshakeSession(INbdChannel channel, ByteBuffer input, Func<bool> isStopping)
{
    private readonly ArrayBufferWriter<byte> _replies = new(1024);

    /// <summary>Runs until an export is chosen; null when the client left, broke the protocol or wanted no export.</summary>
    public NbdNegotiation? Run(Volumes.IExportCatalog catalog)
    {
        OptionCodec.WriteGreeting(_replies.GetSpan(NbdProtocol.GreetingSize));
        _replies.Advance(NbdProtocol.GreetingSize);
        if (!Send() || !Fill(NbdProtocol.ClientFlagsSize) || !OptionCodec.TryReadClientFlags(input.Filled, out var flags))
        {
            return null;
        }

        input.Take(NbdProtocol.ClientFlagsSize);
        var negotiation = new NbdNegotiation(catalog, flags);
        if (Haggle(negotiation))
        {
            return negotiation;
        }

        negotiation.Dispose();
        return null;
    }

    private bool Haggle(NbdNegotiation negotiation)
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
                    return false;
                }

                step = negotiation.ApplyTooBig(option, _replies);
            }
            else
            {
                if (!Fill((int)length))
                {
                    return false;
                }

                step = negotiation.Apply(option, input.Filled[..(int)length], _replies);
                input.Take((int)length);
            }

            if (!Send() || step == NegotiationStep.Close)
            {
                return false;
            }

            if (step == NegotiationStep.Transmit)
            {
                return true;
            }
        }

        return false;
    }

    private bool Send()
    {
        var sent = channel.Send(_replies.WrittenSpan);
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
        var count = channel.Receive(input.Free);
        if (count > 0)
        {
            input.Added(count);
        }

        // An idle timeout is the listener's business here as well: it has a shorter one for handshakes.
        return count is > 0 or INbdChannel.IdleTimeout;
    }
}
