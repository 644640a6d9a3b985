using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Nbd;

/// <summary>
/// The requests of one client after the handshake, on the connection's own thread. Holds:
/// <list type="bullet">
/// <item>Changes that stand next to each other in the buffer go to the device as one batch; whatever stands behind them runs after it.</item>
/// <item>No answer is written before the device has done the request; answers leave in one send when nothing complete is left in the buffer.</item>
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
    private readonly bool _structuredReplies;
    private readonly bool _hasContext;
    private readonly Func<bool> _isStopping;
    private readonly ILogger _logger;

    private readonly WriteExtent[] _batch = new WriteExtent[NbdLimits.MaxBatchExtents];
    private readonly ulong[] _batchCookies = new ulong[NbdLimits.MaxBatchExtents];
    private readonly List<AllocationRun> _runs = [];
    private int _batchCount;
    private long _batchBytes;
    private bool _batchForceUnitAccess;

    /// <summary>Payload of refused writes that is still to come.</summary>
    private long _discard;

    /// <summary>Size of the incomplete request at the start of the input, as far as it is known.</summary>
    private int _pending;
    private bool _isGone;
    private NbdError _lastLogged;

    public NbdTransmissionSession(INbdChannel channel, ByteBuffer input, ByteBuffer output, NbdNegotiation agreed, Func<bool> isStopping, ILogger logger)
    {
        Invariant.Require(agreed.Lease is not null, "transmission without an export");
        (_channel, _input, _output, _isStopping, _logger) = (channel, input, output, isStopping, logger);
        (_device, _export) = (agreed.Lease.Device, agreed.Lease.Info.Name);
        (_isReadOnly, _structuredReplies, _hasContext) = (_device.IsReadOnly, agreed.StructuredReplies, agreed.HasAllocationContext);
    }

    /// <summary>Requests and their batches so far; for tests and metrics.</summary>
    public NbdSessionCounters Counters { get; } = new();

    /// <summary>Runs until the client disconnects, is gone, or is out of step.</summary>
    public void Run()
    {
        while (true)
        {
            var goOn = HandleBuffered();
            WriteBatch();
            Send();
            if (!goOn || _isGone || !Fill())
            {
                return;
            }
        }
    }

    /// <summary>Does every request that is complete in the buffer; false when no more are to come.</summary>
    private bool HandleBuffered()
    {
        while (!_isGone)
        {
            if (_discard > 0)
            {
                var skipped = (int)Math.Min(_discard, _input.Count);
                _input.Take(skipped);
                _discard -= skipped;
            }

            _pending = NbdProtocol.RequestSize;
            if (_discard > 0 || _input.Count < NbdProtocol.RequestSize)
            {
                return true;
            }

            if (!NbdRequest.TryRead(_input.Filled, out var request))
            {
                LogOutOfStep(_channel.Peer, _export);
                return false;
            }

            if (request.Command == NbdCommand.Disconnect)
            {
                return false;
            }

            var error = _isStopping() ? NbdError.Shutdown : RequestRules.Check(request, (ulong)_device.SizeBytes, _isReadOnly, _structuredReplies, _hasContext);
            if (error != NbdError.None)
            {
                Refuse(request, error);
                continue;
            }

            if (request.PayloadLength > _input.Count - NbdProtocol.RequestSize)
            {
                _pending = NbdProtocol.RequestSize + (int)request.PayloadLength;
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

        _input.Take(NbdProtocol.RequestSize);
        WriteBatch();
        switch (request.Command)
        {
            case NbdCommand.Read:
                Read(request);
                break;
            case NbdCommand.Flush:
                Flush(request);
                break;
            case NbdCommand.BlockStatus:
                BlockStatus(request);
                break;
            default:
                // CACHE is a hint; the page cache does its own reading ahead.
                Answer(request, NbdError.None);
                break;
        }
    }

    private void Gather(in NbdRequest request)
    {
        if (request.Length == 0)
        {
            _input.Take(NbdProtocol.RequestSize);
            Answer(request, NbdError.None);
            return;
        }

        var isData = request.Command == NbdCommand.Write;
        var data = isData ? _input.Memory(NbdProtocol.RequestSize, (int)request.Length) : default;
        _batch[_batchCount] = new WriteExtent((long)request.Offset, request.Length, isData ? ExtentKind.Data : ExtentKind.Zero, data);
        _batchCookies[_batchCount++] = request.Cookie;
        _batchForceUnitAccess |= (request.Flags & NbdCommandFlags.ForceUnitAccess) != NbdCommandFlags.None;
        _input.Take(NbdProtocol.RequestSize + (int)request.PayloadLength);
        _batchBytes += request.PayloadLength;
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
        var error = NbdError.None;
        try
        {
            _device.Write(_batch.AsSpan(0, _batchCount), _batchForceUnitAccess);
        }
        catch (Exception exception) when (ErrorOf(exception) is { } wireError)
        {
            error = Failed(NbdCommand.Write, wireError, exception);
        }

        for (var index = 0; index < _batchCount; index++)
        {
            AnswerSimple(_batchCookies[index], error);
        }

        _batchCount = 0;
        _batchBytes = 0;
        _batchForceUnitAccess = false;
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

        var headerSize = _structuredReplies ? NbdProtocol.StructuredReplySize + NbdProtocol.OffsetDataSize : NbdProtocol.SimpleReplySize;
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

        if (_structuredReplies)
        {
            ReplyCodec.WriteDataChunkHeader(reply, request.Cookie, request.Offset, length);
        }
        else
        {
            ReplyCodec.WriteSimple(reply, request.Cookie, NbdError.None);
        }

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

        Answer(request, error);
    }

    private void BlockStatus(in NbdRequest request)
    {
        _runs.Clear();
        try
        {
            var maxRuns = (request.Flags & NbdCommandFlags.RequestOne) != NbdCommandFlags.None ? 1 : NbdLimits.MaxStatusExtents;
            _device.GetAllocation((long)request.Offset, request.Length, maxRuns, _runs);
        }
        catch (Exception exception) when (ErrorOf(exception) is { } wireError)
        {
            Answer(request, Failed(NbdCommand.BlockStatus, wireError, exception));
            return;
        }

        Invariant.Require(_runs.Count > 0, "a device knew nothing about a range inside it");
        var headerSize = NbdProtocol.StructuredReplySize + NbdProtocol.ContextIdSize;
        var size = headerSize + (_runs.Count * NbdProtocol.ExtentSize);
        Invariant.Require(TryReserve(size), "a block status was larger than a busy buffer");
        var reply = _output.Free[..size];
        ReplyCodec.WriteStatusChunkHeader(reply, request.Cookie, NbdNegotiation.AllocationContextId, _runs.Count);
        for (var index = 0; index < _runs.Count; index++)
        {
            var status = _runs[index].IsZero ? NbdProtocol.AllocationHole | NbdProtocol.AllocationZero : 0;
            ReplyCodec.WriteExtent(reply[(headerSize + (index * NbdProtocol.ExtentSize))..], (uint)_runs[index].Length, status);
        }

        Added(size);
    }

    private void Refuse(in NbdRequest request, NbdError error)
    {
        Counters.Refused++;
        _input.Take(NbdProtocol.RequestSize);
        _discard = request.PayloadLength;
        Answer(request, error);
    }

    /// <summary>An answer without content, in the form that the command and the agreement ask for.</summary>
    private void Answer(in NbdRequest request, NbdError error)
    {
        if (!_structuredReplies || request.Command is not (NbdCommand.Read or NbdCommand.BlockStatus))
        {
            AnswerSimple(request.Cookie, error);
            return;
        }

        if (error == NbdError.None)
        {
            Reserve(NbdProtocol.StructuredReplySize);
            ReplyCodec.WriteChunkHeader(_output.Free, NbdChunk.None, request.Cookie, 0);
            Added(NbdProtocol.StructuredReplySize);
            return;
        }

        Reserve(NbdProtocol.StructuredReplySize + NbdProtocol.ErrorChunkSize);
        ReplyCodec.WriteErrorChunk(_output.Free, request.Cookie, error);
        Added(NbdProtocol.StructuredReplySize + NbdProtocol.ErrorChunkSize);
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
        if (_output.Count > 0 && !_isGone)
        {
            Counters.Sends++;
            _isGone = !_channel.Send(_output.Filled);
        }

        _output.Clear();
        _output.Trim(idle: false);
    }

    /// <summary>Waits for more. The batch has been written by now, so moving the input hurts nobody.</summary>
    private bool Fill()
    {
        while (true)
        {
            _input.Trim(idle: false);
            MakeRoom();
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

        if (!_input.TryReserve(_pending - _input.Count) && NbdRequest.TryRead(_input.Filled, out var request))
        {
            Refuse(request, Failed(request.Command, NbdError.OutOfMemory, null));
            HandleBuffered();
            Send();
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

    [LoggerMessage(1111, LogLevel.Warning, "{Peer} sent something that is no request on {Export}; its connection is dropped")]
    private partial void LogOutOfStep(string peer, string export);

    [LoggerMessage(1112, LogLevel.Warning, "{Command} on {Export} for {Peer} failed, answered {Error}; equal ones that follow are not logged")]
    private partial void LogFailed(Exception? exception, NbdCommand command, string export, string peer, NbdError error);
}
