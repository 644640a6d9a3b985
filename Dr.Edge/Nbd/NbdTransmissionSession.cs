using Dr.Edge.Nbd.Contexts;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Nbd;

/// <summary>
/// The requests of one client after the handshake, on the connection's own thread. Holds:
/// <list type="bullet">
/// <item>Changes that stand next to each other in the buffer go to the device as one batch; whatever stands behind them runs after it.</item>
/// <item>No answer is written before the device has done the request; answers leave in one send when nothing complete is left in the buffer.</item>
/// <item>No change or flush is answered after the right to serve has lapsed, however long the process stood still between doing and answering.</item>
/// <item>Changes that a copy elsewhere has to confirm do not hold up the changes behind them: each is answered when it is confirmed. Answers to anything else wait for the changes before them.</item>
/// <item>A change runs only when its payload is whole; the payload of a refused one is taken off the stream.</item>
/// <item>Nothing is allocated per request.</item>
/// </list>
/// </summary>
internal sealed partial class NbdTransmissionSession
{
    private readonly INbdChannel _channel;
    private readonly ByteBuffer _input;
    private readonly ByteBuffer _output;
    private readonly IBlockDevice _device;
    private readonly string _export;
    private readonly bool _isReadOnly;
    private readonly ReplyForm _form;
    private readonly int _requestSize;
    private readonly StatusAnswer _status;
    private readonly Func<bool> _isStopping;
    private readonly ILogger _logger;

    private readonly WriteExtent[] _batch = new WriteExtent[NbdLimits.MaxBatchExtents];
    private readonly ulong[] _batchCookies = new ulong[NbdLimits.MaxBatchExtents];
    private int _batchCount;
    private long _batchBytes;
    private bool _batchForceUnitAccess;

    /// <summary>Payload of refused writes that is still to come.</summary>
    private ulong _discard;

    /// <summary>Size of the incomplete request at the start of the input, as far as it is known.</summary>
    private int _pending;
    private bool _isGone;
    private InputPoll _poll;
    private NbdError _lastLogged;

    public NbdTransmissionSession(INbdChannel channel, ByteBuffer input, ByteBuffer output, NbdNegotiation agreed, Func<bool> isStopping, ILogger logger)
    {
        Invariant.Require(agreed.Lease is not null, "transmission without an export");
        (_channel, _input, _output, _isStopping, _logger) = (channel, input, output, isStopping, logger);
        (_device, _export) = (agreed.Lease.Device, agreed.Lease.Info.Name);
        (_isReadOnly, _form, _requestSize) = (_device.IsReadOnly, agreed.Form, NbdRequest.SizeOf(agreed.Form));
        _status = new StatusAnswer(agreed.Contexts, agreed.Form);
    }

    /// <summary>Requests and their batches so far; for tests and metrics.</summary>
    public NbdSessionCounters Counters { get; } = new();

    /// <summary>Runs until the client disconnects, is gone, or is out of step.</summary>
    public void Run()
    {
        try
        {
            while (true)
            {
                var goOn = HandleBuffered();
                WriteBatch();
                if (!goOn || !InputComesFirst())
                {
                    Send();
                    if (!goOn || _isGone)
                    {
                        return;
                    }

                    FlushAhead();
                }

                if (!Fill())
                {
                    // What it still waits for may reach a client that has only stopped sending.
                    Send();
                    return;
                }
            }
        }
        finally
        {
            ForgetUnconfirmed();
        }
    }

    /// <summary>Does every request that is complete in the buffer; false when no more are to come.</summary>
    private bool HandleBuffered()
    {
        while (!_isGone)
        {
            if (_discard > 0)
            {
                var skipped = (int)Math.Min(_discard, (ulong)_input.Count);
                _input.Take(skipped);
                _discard -= (ulong)skipped;
            }

            _pending = _requestSize;
            if (_discard > 0 || _input.Count < _requestSize)
            {
                return true;
            }

            if (!NbdRequest.TryRead(_input.Filled, _form, out var request))
            {
                LogOutOfStep(_channel.Peer, _export);
                return false;
            }

            if (request.Command == NbdCommand.Disconnect)
            {
                return false;
            }

            var error = _isStopping() ? NbdError.Shutdown : RequestRules.Check(request, (ulong)_device.SizeBytes, _isReadOnly, _form, _status.HasContexts);
            if (error != NbdError.None)
            {
                Refuse(request, error);
                continue;
            }

            if (request.PayloadLength > (ulong)(_input.Count - _requestSize))
            {
                _pending = _requestSize + (int)request.PayloadLength;
                return true;
            }

            Do(request);
        }

        return false;
    }

    private void Do(in NbdRequest request)
    {
        Counters.Requests++;
        if (request.IsModifying)
        {
            Gather(request);
            return;
        }

        if (request.PayloadLength > 0)
        {
            FilteredStatus(request);
            return;
        }

        _input.Take(_requestSize);
        WriteBatch();
        switch (request.Command)
        {
            case NbdCommand.Read:
                Read(request);
                break;
            case NbdCommand.Flush:
                Flush(request);
                break;
            case NbdCommand.Cache:
                Cache(request);
                break;
            default:
                BlockStatus(request, new StatusFilter(request.Length, StatusFilter.All));
                break;
        }
    }

    private void Gather(in NbdRequest request)
    {
        if (request.Length == 0)
        {
            _input.Take(_requestSize);
            Answer(request, NbdError.None);
            return;
        }

        var isData = request.Command == NbdCommand.Write;
        if (!isData && request.Length > NbdLimits.MaxZeroExtentBytes)
        {
            _input.Take(_requestSize);
            WriteBatch();
            ZeroLong(request);
            return;
        }

        var data = isData ? _input.Memory(_requestSize, (int)request.Length) : default;
        _batch[_batchCount] = new WriteExtent((long)request.Offset, (long)request.Length, isData ? ExtentKind.Data : ExtentKind.Zero, data);
        _batchCookies[_batchCount++] = request.Cookie;
        _batchForceUnitAccess |= (request.Flags & NbdCommandFlags.ForceUnitAccess) != NbdCommandFlags.None;
        _input.Take(_requestSize + (int)request.PayloadLength);
        _batchBytes += (long)request.PayloadLength;
        if (_batchCount == _batch.Length || _batchBytes >= NbdLimits.BatchThresholdBytes)
        {
            WriteBatch();
        }
    }

    private void WriteBatch()
    {
        if (_batchCount == 0)
        {
            return;
        }

        Counters.Batches++;
        if (_batchCount > _unconfirmed.Room)
        {
            Confirm();
        }

        var (error, ticket) = (NbdError.None, default(WriteTicket));
        try
        {
            ticket = _device.BeginWrite(_batch.AsSpan(0, _batchCount), _batchForceUnitAccess);
        }
        catch (Exception exception) when (ErrorOf(exception) is { } wireError)
        {
            error = Failed(NbdCommand.Write, wireError, exception);
        }

        for (var index = 0; index < _batchCount; index++)
        {
            var (cookie, offset) = (_batchCookies[index], (ulong)_batch[index].Offset);
            if (ticket != default)
            {
                _unconfirmed.Add(ticket, cookie, offset);
            }
            else
            {
                AnswerChange(cookie, offset, error);
            }
        }

        _batchCount = 0;
        _batchBytes = 0;
        _batchForceUnitAccess = false;
    }

    /// <summary>Zeros over more than one batch should keep the store busy with: piece by piece, so that other clients' writes come in between.</summary>
    private void ZeroLong(in NbdRequest request)
    {
        var error = NbdError.None;
        var (position, end) = ((long)request.Offset, (long)(request.Offset + request.Length));
        try
        {
            while (position < end)
            {
                // Pieces end at block boundaries, so that only the two ends can need a merge.
                var next = Math.Min((position + NbdLimits.MaxZeroExtentBytes) & -NbdLimits.PreferredBlockBytes, end);
                var force = next == end && (request.Flags & NbdCommandFlags.ForceUnitAccess) != NbdCommandFlags.None;
                Counters.Batches++;
                _device.Write([new WriteExtent(position, next - position, ExtentKind.Zero, default)], force);
                position = next;
            }
        }
        catch (Exception exception) when (ErrorOf(exception) is { } wireError)
        {
            error = Failed(request.Command, wireError, exception);
        }

        AnswerChange(request.Cookie, request.Offset, error);
    }

    private void Read(in NbdRequest request)
    {
        var length = (int)request.Length;
        if (length == 0)
        {
            // There are no empty data chunks.
            Answer(request, NbdError.None);
            return;
        }

        var headerSize = ReplyCodec.DataHeaderSize(_form);
        if (!TryReserve(headerSize + length))
        {
            Answer(request, Failed(NbdCommand.Read, NbdError.OutOfMemory, null));
            return;
        }

        var reply = _output.Free[..(headerSize + length)];
        try
        {
            _device.Read((long)request.Offset, reply[headerSize..]);
        }
        catch (Exception exception) when (ErrorOf(exception) is { } wireError)
        {
            Answer(request, Failed(NbdCommand.Read, wireError, exception));
            return;
        }

        ReplyCodec.WriteDataHeader(reply, _form, request.Cookie, request.Offset, length);
        Added(reply.Length);
    }

    private void Flush(in NbdRequest request)
    {
        var error = NbdError.None;
        try
        {
            _device.Flush();
        }
        catch (Exception exception) when (ErrorOf(exception) is { } wireError)
        {
            error = Failed(NbdCommand.Flush, wireError, exception);
        }

        AnswerChange(request.Cookie, request.Offset, error);
    }

    private void Cache(in NbdRequest request)
    {
        var error = NbdError.None;
        try
        {
            _device.Prefetch((long)request.Offset, (long)request.Length);
        }
        catch (Exception exception) when (ErrorOf(exception) is { } wireError)
        {
            error = Failed(NbdCommand.Cache, wireError, exception);
        }

        Answer(request, error);
    }

    /// <summary>A BLOCK_STATUS whose payload says what is asked about and which contexts are wanted.</summary>
    private void FilteredStatus(in NbdRequest request)
    {
        var filter = _status.ReadFilter(_input.Filled.Slice(_requestSize, (int)request.PayloadLength), request.Offset, (ulong)_device.SizeBytes);
        _input.Take(_requestSize + (int)request.PayloadLength);
        WriteBatch();
        if (filter is { } asked)
        {
            BlockStatus(request, asked);
            return;
        }

        Counters.Refused++;
        Answer(request, NbdError.Invalid);
    }

    private void BlockStatus(in NbdRequest request, in StatusFilter asked)
    {
        _status.Begin(request, asked);
        while (true)
        {
            try
            {
                if (!_status.TryLookUpNext())
                {
                    return;
                }
            }
            catch (Exception exception) when (ErrorOf(exception) is { } wireError)
            {
                Answer(request, Failed(NbdCommand.BlockStatus, wireError, exception));
                return;
            }

            Invariant.Require(TryReserve(_status.ChunkBytes), "a block status was larger than a busy buffer");
            _status.WriteChunk(_output.Free[.._status.ChunkBytes]);
            Added(_status.ChunkBytes);
        }
    }

    private void Refuse(in NbdRequest request, NbdError error)
    {
        Counters.Refused++;
        _input.Take(_requestSize);
        _discard = request.PayloadLength;
        Answer(request, error);
    }

    /// <summary>While the client has the answers and has not asked for more.</summary>
    private void FlushAhead()
    {
        if (_device.ExpectsFlush && !_channel.HasInput)
        {
            _device.FlushAhead();
        }
    }

    /// <summary>The wire's number for trouble that the device may have; null for bugs of ours, which are not to be answered as if they were errors of a disk.</summary>
    private static NbdError? ErrorOf(Exception exception) => exception switch
    {
        BlockDeviceException device => RequestRules.ToWire(device.Error),
        FencedException => NbdError.NotPermitted,
        DrException or IOException => NbdError.IO,
        OutOfMemoryException => NbdError.OutOfMemory,
        _ => null,
    };

    /// <summary>Logs the first of a row of equal failures: a shut gate would otherwise fill the log at the speed of the client.</summary>
    private NbdError Failed(NbdCommand command, NbdError error, Exception? exception)
    {
        Counters.Failed++;
        if (_lastLogged != error)
        {
            _lastLogged = error;
            LogFailed(exception, command, _export, _channel.Peer, error);
        }

        return error;
    }
}
