using Microsoft.Extensions.Logging;

namespace Dr.Edge.Nbd;

/// <content>Good answers to changes and flushes that have not left yet.</content>
internal sealed partial class NbdTransmissionSession
{
    private const int MaxShortAnswer = NbdProtocol.ExtendedReplySize + NbdProtocol.ErrorChunkSize;
    private readonly List<Promise> _promises = new(NbdLimits.MaxBatchExtents);

    /// <summary>
    /// Their place is taken by errors. The device checked its right when it was done, but this thread may have slept since, alone or with the whole machine, and by now another may serve. What remains is the
    /// time from here to the system call.
    /// </summary>
    private void WithdrawPromises()
    {
        LogWithdrawn(_promises.Count, _export, _channel.Peer);
        var answers = _output.Filled.ToArray();
        var size = _form == ReplyForm.Extended ? NbdProtocol.ExtendedReplySize : NbdProtocol.SimpleReplySize;
        _output.Clear();
        var from = 0;
        foreach (var promise in _promises)
        {
            Copy(answers.AsSpan(from, promise.Position - from));
            Invariant.Require(_output.TryReserve(MaxShortAnswer), "a small answer found no memory");
            if (_form == ReplyForm.Extended)
            {
                ReplyCodec.WriteErrorChunk(_output.Free, _form, promise.Cookie, promise.Offset, NbdError.NotPermitted);
            }
            else
            {
                ReplyCodec.WriteSimple(_output.Free, promise.Cookie, NbdError.NotPermitted);
            }

            _output.Added(_form == ReplyForm.Extended ? MaxShortAnswer : NbdProtocol.SimpleReplySize);
            from = promise.Position + size;
        }

        Copy(answers.AsSpan(from));
        _promises.Clear();
    }

    private void Copy(ReadOnlySpan<byte> answers)
    {
        Invariant.Require(_output.TryReserve(answers.Length), "answers that were there found no memory");
        answers.CopyTo(_output.Free);
        _output.Added(answers.Length);
    }

    /// <param name="Position">Where its answer begins in the output.</param>
    private readonly record struct Promise(int Position, ulong Cookie, ulong Offset);
}
