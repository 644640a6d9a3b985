namespace Dr.Edge.Nbd;

/// <content>Answers: their form, the room for them, and when they leave.</content>
internal sealed partial class NbdTransmissionSession
{
    /// <summary>An answer without content, in the form that the command and the agreement ask for.</summary>
    private void Answer(in NbdRequest request, NbdError error)
    {
        if (ReplyCodec.InChunks(_form, request.Command))
        {
            AnswerInChunks(request.Cookie, request.Offset, error);
        }
        else
        {
            AnswerSimple(request.Cookie, error);
        }
    }

    /// <summary>The answer to a change or a flush: what a client may rest on, and therefore checked once more before it leaves.</summary>
    private void AnswerChange(ulong cookie, ulong offset, NbdError error)
    {
        Reserve(MaxShortAnswer);
        if (error == NbdError.None)
        {
            _promises.Add(new Promise(_output.Count, cookie, offset));
        }

        WriteChangeAnswer(cookie, offset, error);
    }

    private void WriteChangeAnswer(ulong cookie, ulong offset, NbdError error)
    {
        if (_form == ReplyForm.Extended)
        {
            AnswerInChunks(cookie, offset, error);
        }
        else
        {
            AnswerSimple(cookie, error);
        }
    }

    private void AnswerInChunks(ulong cookie, ulong offset, NbdError error)
    {
        var size = ReplyCodec.ChunkHeaderSize(_form) + (error == NbdError.None ? 0 : NbdProtocol.ErrorChunkSize);
        Reserve(size);
        if (error == NbdError.None)
        {
            ReplyCodec.WriteChunkHeader(_output.Free, _form, NbdChunk.None, cookie, offset, 0);
        }
        else
        {
            ReplyCodec.WriteErrorChunk(_output.Free, _form, cookie, offset, error);
        }

        Added(size);
    }

    private void AnswerSimple(ulong cookie, NbdError error)
    {
        Reserve(NbdProtocol.SimpleReplySize);
        ReplyCodec.WriteSimple(_output.Free, cookie, error);
        Added(NbdProtocol.SimpleReplySize);
    }

    private void Reserve(int count) => Invariant.Require(TryReserve(count), "a small answer found no memory");

    /// <summary>Room for an answer; what waits is sent first when both together would need more than a busy buffer.</summary>
    private bool TryReserve(int count)
    {
        if (_output.Count + count > NbdLimits.BusyBufferBytes)
        {
            Send();
        }

        return _output.TryReserve(count);
    }

    private void Added(int count)
    {
        _output.Added(count);
        if (_output.Count >= NbdLimits.SendThresholdBytes)
        {
            Send();
        }
    }

    private void Send()
    {
        Confirm();
        SendAnswers();
    }

    private void SendAnswers()
    {
        if (_output.Count > 0 && !_isGone)
        {
            if (_promises.Count > 0 && _device.HasLapsed)
            {
                WithdrawPromises();
            }

            Counters.Sends++;
            _isGone = !_channel.Send(_output.Filled);
        }

        _promises.Clear();
        _output.Clear();
        _output.Trim(idle: false);
    }
}
