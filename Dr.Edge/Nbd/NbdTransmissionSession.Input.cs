namespace Dr.Edge.Nbd;

/// <content>What comes in, and the memory for it.</content>
internal sealed partial class NbdTransmissionSession
{
    /// <summary>Waits for more; false: the stream has ended. The batch has been written by now, so moving the input hurts nobody.</summary>
    private bool Fill()
    {
        while (true)
        {
            _input.Trim(idle: false);
            MakeRoom();
            _poll.Wait(_channel, Counters.Requests);
            var count = _channel.Receive(_input.Free);
            if (count > 0)
            {
                _input.Added(count);
                _input.GrowWhenFull();
                return true;
            }

            if (count == INbdChannel.EndOfStream)
            {
                return false;
            }

            if (_unconfirmed.Count > 0)
            {
                // What came was too little to be read (TLS): what is confirmed meanwhile is looked for.
                return true;
            }

            _input.Trim(idle: true);
            _output.Trim(idle: true);
        }
    }

    private void MakeRoom()
    {
        if (_pending <= NbdLimits.BusyBufferBytes)
        {
            // Never needs more than the busy buffer, so there is always memory for it. What is left at the end is worth a move only when it is short.
            var useful = Math.Max(_pending - _input.Count, Math.Min(NbdLimits.InitialBufferBytes / 2, NbdLimits.BusyBufferBytes - _input.Count));
            Invariant.Require(_input.TryReserve(useful), "a small request found no memory");
            return;
        }

        if (_input.Free.Length > 0 || _input.Count < NbdLimits.BusyBufferBytes)
        {
            _input.TryReserve(Math.Min(_pending, NbdLimits.BusyBufferBytes) - _input.Count);
            return;
        }

        if (!_input.TryReserve(_pending - _input.Count) && NbdRequest.TryRead(_input.Filled, _form, out var request))
        {
            Refuse(request, Failed(request.Command, NbdError.OutOfMemory, null));
            HandleBuffered();
            Send();
        }
    }
}
