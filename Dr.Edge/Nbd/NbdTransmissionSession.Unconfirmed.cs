using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd;

/// <content>Changes that wait for a copy elsewhere, and what is done meanwhile.</content>
internal sealed partial class NbdTransmissionSession
{
    /// <summary>A right to serve that ended is noticed within this even if nobody wakes the session.</summary>
    private static readonly TimeSpan Recheck = TimeSpan.FromMilliseconds(100);

    private readonly UnconfirmedChanges _unconfirmed = new();
    private InputWaker? _waker;

    /// <summary>Waits for everything that was appended, then answers it.</summary>
    private void Confirm()
    {
        if (_unconfirmed.Count == 0)
        {
            return;
        }

        var error = NbdError.None;
        try
        {
            _device.Confirm(_unconfirmed.All);
        }
        catch (Exception exception) when (ErrorOf(exception) is { } wireError)
        {
            error = Failed(NbdCommand.Write, wireError, exception);
        }

        AnswerUnconfirmed(error);
    }

    /// <summary>
    /// With nothing but changes to answer that wait for a copy: answers and sends what is confirmed, until more input is there (true: it comes first, so that it is on its way to the copy too) or nothing waits any more.
    /// </summary>
    private bool InputComesFirst()
    {
        if (_unconfirmed.Count == 0 || _output.Count > 0 || !_channel.CanBeWoken || (_waker ??= InputWaker.TryCreate()) is not { } waker)
        {
            return false;
        }

        _device.BeginConfirm(_unconfirmed.All);
        while (true)
        {
            AnswerConfirmed();
            SendAnswers();
            if (_isGone || _unconfirmed.Count == 0)
            {
                return false;
            }

            if (_device.Await(_unconfirmed.Oldest, waker) && _channel.WaitForInput(waker, Recheck))
            {
                return true;
            }
        }
    }

    private void AnswerConfirmed()
    {
        var confirmed = default(WriteTicket);
        try
        {
            // What was appended together has one ticket.
            while (_unconfirmed.Count > 0 && (_unconfirmed.Oldest == confirmed || _device.TryConfirm(_unconfirmed.Oldest)))
            {
                confirmed = _unconfirmed.Oldest;
                var (cookie, offset) = _unconfirmed.Take();
                AnswerChange(cookie, offset, NbdError.None);
            }
        }
        catch (Exception exception) when (ErrorOf(exception) is { } wireError)
        {
            AnswerUnconfirmed(Failed(NbdCommand.Write, wireError, exception));
        }
    }

    // Those that are there now: one that finds no room for its answer sends, and sending confirms.
    private void AnswerUnconfirmed(NbdError error)
    {
        while (_unconfirmed.Count > 0)
        {
            var (cookie, offset) = _unconfirmed.Take();
            AnswerChange(cookie, offset, error);
        }
    }

    private void ForgetUnconfirmed()
    {
        if (_waker is { } waker)
        {
            _device.Forget(waker);
            waker.Dispose();
        }
    }
}
