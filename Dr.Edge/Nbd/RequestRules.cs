using Dr.Edge.Nbd.Contexts;
using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd;

/// <summary>Decides from a request's header whether it may be tried. Pure; no sum is formed that could wrap.</summary>
internal static class RequestRules
{
    /// <summary><see cref="NbdError.None"/> when the request may go to the device.</summary>
    public static NbdError Check(in NbdRequest request, ulong sizeBytes, bool isReadOnly, ReplyForm form, bool hasContext)
    {
        if ((request.Flags & ~AllowedFlags(request.Command, form)) != NbdCommandFlags.None)
        {
            return NbdError.Invalid;
        }

        switch (request.Command)
        {
            case NbdCommand.Flush:
                // Offset and length are reserved; clients that fill them are tolerated.
                return NbdError.None;
            case NbdCommand.Read when request.Length > NbdLimits.MaxPayloadBytes:
                return NbdError.Overflow;
            case NbdCommand.Read:
            case NbdCommand.Cache:
                return InRange(request, sizeBytes) ? NbdError.None : NbdError.Invalid;
            case NbdCommand.BlockStatus when (request.Flags & NbdCommandFlags.PayloadLength) != NbdCommandFlags.None:
                // The length is the payload's; what it asks about stands inside (StatusFilter).
                return hasContext && StatusFilter.IsLength(request.Length) ? NbdError.None : NbdError.Invalid;
            case NbdCommand.BlockStatus:
                return hasContext && request.Length > 0 && InRange(request, sizeBytes) ? NbdError.None : NbdError.Invalid;
            case NbdCommand.Write or NbdCommand.Trim or NbdCommand.WriteZeroes when isReadOnly:
                return NbdError.NotPermitted;
            case NbdCommand.Write when request.Length > NbdLimits.MaxPayloadBytes:
                return NbdError.Overflow;
            case NbdCommand.Write:
            case NbdCommand.WriteZeroes:
                return InRange(request, sizeBytes) ? NbdError.None : NbdError.NoSpace;
            case NbdCommand.Trim:
                return InRange(request, sizeBytes) ? NbdError.None : NbdError.Invalid;
            default:
                return NbdError.Invalid;
        }
    }

    /// <summary>What an export offers; the same for INFO, GO and EXPORT_NAME, so that they agree.</summary>
    /// <param name="filtersStatus">Contexts are selected, or may be.</param>
    public static NbdExportFlags ExportFlags(bool isReadOnly, ReplyForm form, bool filtersStatus)
    {
        // MULTI_CONN is true here: the device promises that a flush covers writes answered on every connection.
        var flags = NbdExportFlags.HasFlags | NbdExportFlags.SendFlush | NbdExportFlags.SendFua | NbdExportFlags.SendCache | NbdExportFlags.CanMultiConnection;
        
        // FAST_ZERO too: zeros are a note in the log here, whatever their length, and never data.
        flags |= isReadOnly ? NbdExportFlags.ReadOnly : NbdExportFlags.SendTrim | NbdExportFlags.SendWriteZeroes | NbdExportFlags.SendFastZero;
        flags |= filtersStatus && form == ReplyForm.Extended ? NbdExportFlags.BlockStatusPayload : NbdExportFlags.None;
        return form != ReplyForm.Simple ? flags | NbdExportFlags.SendDontFragment : flags;
    }

    public static NbdError ToWire(BlockError error) => error switch
    {
        BlockError.NotPermitted => NbdError.NotPermitted,
        BlockError.Invalid => NbdError.Invalid,
        BlockError.NoSpace => NbdError.NoSpace,
        BlockError.Shutdown => NbdError.Shutdown,
        BlockError.NotSupported => NbdError.NotSupported,
        _ => NbdError.IO,
    };

    // FUA is legal with every command once it is offered. Everything that was not offered is refused.
    private static NbdCommandFlags AllowedFlags(NbdCommand command, ReplyForm form) => command switch
    {
        NbdCommand.Write when form == ReplyForm.Extended => NbdCommandFlags.ForceUnitAccess | NbdCommandFlags.PayloadLength,
        NbdCommand.WriteZeroes => NbdCommandFlags.ForceUnitAccess | NbdCommandFlags.NoHole | NbdCommandFlags.FastZero,
        NbdCommand.BlockStatus when form == ReplyForm.Extended => NbdCommandFlags.ForceUnitAccess | NbdCommandFlags.RequestOne | NbdCommandFlags.PayloadLength,
        NbdCommand.BlockStatus => NbdCommandFlags.ForceUnitAccess | NbdCommandFlags.RequestOne,
        NbdCommand.Read when form != ReplyForm.Simple => NbdCommandFlags.ForceUnitAccess | NbdCommandFlags.DontFragment,
        _ => NbdCommandFlags.ForceUnitAccess,
    };

    private static bool InRange(in NbdRequest request, ulong sizeBytes) =>
        request.Offset <= sizeBytes && request.Length <= sizeBytes - request.Offset;
}
