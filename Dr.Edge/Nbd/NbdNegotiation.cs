using System.Buffers;
using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd;

internal enum NegotiationStep
{
    /// <summary>The next option.</summary>
    Haggle,

    /// <summary>An export was chosen; requests follow.</summary>
    Transmit,

    /// <summary>Send what is written, then close.</summary>
    Close,
}

/// <summary>
/// What has been agreed with one client, and the answer to each of its options. Knows no socket. Holds:
/// an export is open exactly when the last step was <see cref="NegotiationStep.Transmit"/>; a context counts only for the export it was selected for;
/// INFO and GO answer alike.
/// </summary>
internal sealed class NbdNegotiation(IExportCatalog catalog, NbdClientFlags clientFlags) : IDisposable
{
    public const string AllocationContext = "base:allocation";

    public const uint AllocationContextId = 1;

    private const string BaseNamespace = "base:";

    private string? _contextExport;

    public bool StructuredReplies { get; private set; }

    /// <summary>Whether BLOCK_STATUS may be asked; meaningful once transmitting.</summary>
    public bool HasAllocationContext { get; private set; }

    /// <summary>The chosen export; whoever transmits disposes it with this.</summary>
    public IExportLease? Lease { get; private set; }

    /// <summary>Answers one option, whose data are complete.</summary>
    public NegotiationStep Apply(NbdOption option, ReadOnlySpan<byte> data, IBufferWriter<byte> replies)
    {
        // Before fixed newstyle there was one option and no replies.
        if (option != NbdOption.ExportName && (clientFlags & NbdClientFlags.FixedNewstyle) == NbdClientFlags.None)
        {
            return NegotiationStep.Close;
        }

        switch (option)
        {
            case NbdOption.ExportName:
                return ApplyExportName(data, replies);
            case NbdOption.Abort:
                OptionCodec.WriteReply(replies, option, NbdOptionReply.Ack, []);
                return NegotiationStep.Close;
            case NbdOption.List when data.Length > 0:
            case NbdOption.StructuredReply when data.Length > 0:
                return Refuse(replies, option, NbdOptionReply.ErrorInvalid, "this option takes no data");
            case NbdOption.List:
                foreach (var export in catalog.List())
                {
                    OptionCodec.WriteServer(replies, export.Name, export.Description);
                }

                return Acknowledge(replies, option);
            case NbdOption.StructuredReply:
                StructuredReplies = true;
                return Acknowledge(replies, option);
            case NbdOption.Info:
            case NbdOption.Go:
                return ApplyInfo(option, data, replies);
            case NbdOption.ListMetaContext:
            case NbdOption.SetMetaContext:
                return ApplyMetaContext(option, data, replies);
            case NbdOption.StartTls:
                return Refuse(replies, option, NbdOptionReply.ErrorUnsupported, "TLS is not set up on this listener");
            default:
                return Refuse(replies, option, NbdOptionReply.ErrorUnsupported, "option not known");
        }
    }

    /// <summary>Answers an option whose data were too long to be kept.</summary>
    public NegotiationStep ApplyTooBig(NbdOption option, IBufferWriter<byte> replies)
    {
        if (option == NbdOption.SetMetaContext)
        {
            ForgetContext();
        }

        // EXPORT_NAME has no way to say no.
        return option == NbdOption.ExportName || (clientFlags & NbdClientFlags.FixedNewstyle) == NbdClientFlags.None
            ? NegotiationStep.Close
            : Refuse(replies, option, NbdOptionReply.ErrorTooBig, $"option data beyond {NbdLimits.MaxOptionBytes} bytes");
    }

    public void Dispose()
    {
        Lease?.Dispose();
        Lease = null;
    }

    private NegotiationStep ApplyExportName(ReadOnlySpan<byte> data, IBufferWriter<byte> replies)
    {
        if (!OptionCodec.TryReadText(data, out var name) || !TryOpen(name, out var lease, out _, out _))
        {
            return NegotiationStep.Close;
        }

        var padded = (clientFlags & NbdClientFlags.NoZeroes) == NbdClientFlags.None;
        OptionCodec.WriteExportNameReply(replies, lease.Device.SizeBytes, FlagsOf(lease), padded);
        return Transmit(lease, name);
    }

    private NegotiationStep ApplyInfo(NbdOption option, ReadOnlySpan<byte> data, IBufferWriter<byte> replies)
    {
        if (InfoQuery.TryParse(data) is not { } query)
        {
            return Refuse(replies, option, NbdOptionReply.ErrorInvalid, "malformed request for an export");
        }

        if (!TryOpen(query.ExportName, out var lease, out var error, out var message))
        {
            return Refuse(replies, option, error, message);
        }

        OptionCodec.WriteExportInfo(replies, option, lease.Device.SizeBytes, FlagsOf(lease));
        if (query.WantsName)
        {
            OptionCodec.WriteTextInfo(replies, option, NbdInfoKind.Name, lease.Info.Name);
        }

        if (query.WantsDescription)
        {
            OptionCodec.WriteTextInfo(replies, option, NbdInfoKind.Description, lease.Info.Description);
        }

        if (query.WantsBlockSize)
        {
            OptionCodec.WriteBlockSizeInfo(replies, option);
        }

        Acknowledge(replies, option);
        if (option == NbdOption.Go)
        {
            return Transmit(lease, query.ExportName);
        }

        lease.Dispose();
        return NegotiationStep.Haggle;
    }

    private NegotiationStep ApplyMetaContext(NbdOption option, ReadOnlySpan<byte> data, IBufferWriter<byte> replies)
    {
        var selects = option == NbdOption.SetMetaContext;
        if (selects)
        {
            // The last SET wins, also when it selects nothing or fails.
            ForgetContext();
        }

        if (!StructuredReplies)
        {
            return Refuse(replies, option, NbdOptionReply.ErrorInvalid, "structured replies have not been agreed");
        }

        if (MetaContextQuery.TryParse(data) is not { } query)
        {
            return Refuse(replies, option, NbdOptionReply.ErrorInvalid, "malformed request for contexts");
        }

        if (!TryOpen(query.ExportName, out var lease, out var error, out var message))
        {
            return Refuse(replies, option, error, message);
        }

        lease.Dispose();
        var named = query.Queries.Contains(AllocationContext, StringComparer.Ordinal);
        if (selects ? named : named || query.Queries.Count == 0 || query.Queries.Contains(BaseNamespace, StringComparer.Ordinal))
        {
            OptionCodec.WriteMetaContext(replies, option, selects ? AllocationContextId : 0, AllocationContext);
            if (selects)
            {
                (HasAllocationContext, _contextExport) = (true, query.ExportName);
            }
        }

        return Acknowledge(replies, option);
    }

    private bool TryOpen(
        string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IExportLease? lease, out NbdOptionReply error, out string message)
    {
        (lease, error, message) = (null, NbdOptionReply.ErrorUnknown, $"there is no export '{name}'");
        try
        {
            lease = catalog.Open(name);
        }
        catch (DrException exception)
        {
            (error, message) = (NbdOptionReply.ErrorPolicy, exception.Hint is null ? exception.Message : $"{exception.Message} {exception.Hint}");
        }

        return lease is not null;
    }

    private NegotiationStep Transmit(IExportLease lease, string name)
    {
        Lease = lease;
        HasAllocationContext &= string.Equals(_contextExport, name, StringComparison.Ordinal);
        return NegotiationStep.Transmit;
    }

    private void ForgetContext() => (HasAllocationContext, _contextExport) = (false, null);

    private NbdExportFlags FlagsOf(IExportLease lease) => RequestRules.ExportFlags(lease.Device.IsReadOnly, StructuredReplies);

    private static NegotiationStep Acknowledge(IBufferWriter<byte> replies, NbdOption option)
    {
        OptionCodec.WriteReply(replies, option, NbdOptionReply.Ack, []);
        return NegotiationStep.Haggle;
    }

    private static NegotiationStep Refuse(IBufferWriter<byte> replies, NbdOption option, NbdOptionReply error, string message)
    {
        OptionCodec.WriteError(replies, option, error, message);
        return NegotiationStep.Haggle;
    }
}
