using System.Buffers;
using Dr.Edge.Nbd.Contexts;
using Dr.Edge.Nbd.Tls;
using Dr.Edge.Volumes;

namespace Dr.Edge.Nbd;

internal enum NegotiationStep
{
    /// <summary>The next option.</summary>
    Haggle,

    /// <summary>An export was chosen; requests follow.</summary>
    Transmit,

    /// <summary>Send what is written, then speak TLS and begin a new negotiation.</summary>
    StartTls,

    /// <summary>Send what is written, then close.</summary>
    Close,
}

/// <summary>
/// What has been agreed with one client, and the answer to each of its options. Knows no socket. Holds:
/// <list type="bullet">
/// <item>At most two exports are open: the one that was asked about last, and the one that contexts were selected for. So INFO, SET_META_CONTEXT and GO speak of the same thing, and a
/// view is made once.</item>
/// <item>Contexts count only for the export they were selected for.</item>
/// <item>INFO and GO answer alike, but for the filter of contexts, which GO offers only when some are selected.</item>
/// <item>Where TLS is required nothing is told or kept before it; what was agreed before TLS is not known here any more, because TLS begins a new negotiation.</item>
/// </list>
/// </summary>
internal sealed class NbdNegotiation(IExportCatalog catalog, NbdClientFlags clientFlags, TlsOffer tls = TlsOffer.None) : IDisposable
{
    private string? _openName;
    private string? _contextExport;
    private IExportLease? _contextLease;
    private List<MetaContext> _contexts = [];

    /// <summary>What answers look like from the transmission on.</summary>
    public ReplyForm Form { get; private set; }

    /// <summary>What BLOCK_STATUS may be asked for; meaningful once transmitting.</summary>
    public IReadOnlyList<MetaContext> Contexts => _contexts;

    /// <summary>The export that is open; whoever transmits disposes it with this.</summary>
    public IExportLease? Lease { get; private set; }

    /// <summary>Answers one option, whose data are complete.</summary>
    public NegotiationStep Apply(NbdOption option, ReadOnlySpan<byte> data, IBufferWriter<byte> replies)
    {
        // Before fixed newstyle there was one option and no replies.
        if (option != NbdOption.ExportName && (clientFlags & NbdClientFlags.FixedNewstyle) == NbdClientFlags.None)
        {
            return NegotiationStep.Close;
        }

        if (tls == TlsOffer.Required && option is not (NbdOption.StartTls or NbdOption.Abort))
        {
            return RefuseWithoutTls(option, replies);
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
            case NbdOption.ExtendedHeaders when data.Length > 0:
            case NbdOption.StartTls when data.Length > 0:
                return Refuse(replies, option, NbdOptionReply.ErrorInvalid, "this option takes no data");
            case NbdOption.List:
                foreach (var export in catalog.List())
                {
                    OptionCodec.WriteServer(replies, export.Name, export.Description);
                }

                return Acknowledge(replies, option);
            case NbdOption.StructuredReply when Form == ReplyForm.Extended:
                return Refuse(replies, option, NbdOptionReply.ErrorExtendedHeadersRequired, "extended headers have been agreed already");
            case NbdOption.StructuredReply:
                Form = ReplyForm.Structured;
                return Acknowledge(replies, option);
            case NbdOption.ExtendedHeaders when Form == ReplyForm.Extended:
                return Refuse(replies, option, NbdOptionReply.ErrorInvalid, "extended headers have been agreed already");
            case NbdOption.ExtendedHeaders:
                Form = ReplyForm.Extended;
                return Acknowledge(replies, option);
            case NbdOption.Info:
            case NbdOption.Go:
                return ApplyInfo(option, data, replies);
            case NbdOption.ListMetaContext:
            case NbdOption.SetMetaContext:
                return ApplyMetaContext(option, data, replies);
            case NbdOption.StartTls when tls == TlsOffer.None:
                return Refuse(replies, option, NbdOptionReply.ErrorUnsupported, "TLS is not set up on this server");
            case NbdOption.StartTls when tls == TlsOffer.Active:
                return Refuse(replies, option, NbdOptionReply.ErrorInvalid, "TLS is in use already");
            case NbdOption.StartTls:
                Acknowledge(replies, option);
                return NegotiationStep.StartTls;
            default:
                return Refuse(replies, option, NbdOptionReply.ErrorUnsupported, "option not known");
        }
    }

    /// <summary>Answers an option whose data were too long to be kept.</summary>
    public NegotiationStep ApplyTooBig(NbdOption option, IBufferWriter<byte> replies)
    {
        if (tls == TlsOffer.Required)
        {
            return RefuseWithoutTls(option, replies);
        }

        if (option == NbdOption.SetMetaContext)
        {
            ForgetContexts();
        }

        // EXPORT_NAME has no way to say no.
        return option == NbdOption.ExportName || (clientFlags & NbdClientFlags.FixedNewstyle) == NbdClientFlags.None
            ? NegotiationStep.Close
            : Refuse(replies, option, NbdOptionReply.ErrorTooBig, $"option data beyond {NbdLimits.MaxOptionBytes} bytes");
    }

    public void Dispose()
    {
        ForgetContexts();
        CloseLease();
    }

    private NegotiationStep RefuseWithoutTls(NbdOption option, IBufferWriter<byte> replies) =>
        option == NbdOption.ExportName || (clientFlags & NbdClientFlags.FixedNewstyle) == NbdClientFlags.None
            ? NegotiationStep.Close
            : Refuse(replies, option, NbdOptionReply.ErrorTlsRequired, "this server speaks only TLS: send STARTTLS first");

    private NegotiationStep ApplyExportName(ReadOnlySpan<byte> data, IBufferWriter<byte> replies)
    {
        // With extended headers this option is forbidden: it cannot say what it did with them.
        if (Form == ReplyForm.Extended || !OptionCodec.TryReadText(data, out var name) || !TryOpen(name, out var lease, out _, out _))
        {
            return NegotiationStep.Close;
        }

        var padded = (clientFlags & NbdClientFlags.NoZeroes) == NbdClientFlags.None;
        OptionCodec.WriteExportNameReply(replies, lease.Device.SizeBytes, FlagsOf(lease, filtersStatus: false), padded);
        return Transmit(name);
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

        // INFO tells what there could be; GO what there is.
        var filters = option == NbdOption.Info || (_contexts.Count > 0 && _contextExport == query.ExportName);
        OptionCodec.WriteExportInfo(replies, option, lease.Device.SizeBytes, FlagsOf(lease, filters));
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
        return option == NbdOption.Go ? Transmit(query.ExportName) : NegotiationStep.Haggle;
    }

    private NegotiationStep ApplyMetaContext(NbdOption option, ReadOnlySpan<byte> data, IBufferWriter<byte> replies)
    {
        var selects = option == NbdOption.SetMetaContext;
        if (selects)
        {
            // The last SET wins, also when it selects nothing or fails.
            ForgetContexts();
        }

        if (Form == ReplyForm.Simple)
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

        try
        {
            return selects ? SelectContexts(query, lease, replies) : ListContexts(query, lease, replies);
        }
        catch (DrException exception)
        {
            ForgetContexts();
            return Refuse(replies, option, NbdOptionReply.ErrorPolicy, Sentence(exception));
        }
    }

    private static NegotiationStep ListContexts(MetaContextQuery query, IExportLease lease, IBufferWriter<byte> replies)
    {
        foreach (var name in ContextNames.Matching(query.Queries, lease.ChangePoints, point => IsPoint(lease, point)))
        {
            OptionCodec.WriteMetaContext(replies, NbdOption.ListMetaContext, 0, name);
        }

        return Acknowledge(replies, NbdOption.ListMetaContext);
    }

    private NegotiationStep SelectContexts(MetaContextQuery query, IExportLease lease, IBufferWriter<byte> replies)
    {
        foreach (var name in query.Queries.Distinct(StringComparer.Ordinal))
        {
            if (OpenContext(name, lease) is not { } source)
            {
                continue;
            }

            _contexts.Add(new MetaContext((uint)_contexts.Count + 1, name, source));
            if (_contexts.Count > NbdLimits.MaxContexts)
            {
                ForgetContexts();
                return Refuse(replies, NbdOption.SetMetaContext, NbdOptionReply.ErrorTooBig, $"at most {NbdLimits.MaxContexts} contexts at once");
            }
        }

        (_contextExport, _contextLease) = (query.ExportName, lease);
        foreach (var context in _contexts)
        {
            OptionCodec.WriteMetaContext(replies, NbdOption.SetMetaContext, context.Id, context.Name);
        }

        return Acknowledge(replies, NbdOption.SetMetaContext);
    }

    private static IStatusSource? OpenContext(string name, IExportLease lease) =>
        name == ContextNames.Allocation ? new AllocationStatus(lease.Device)
        : name == ContextNames.Depth ? new DepthStatus(lease.Device)
        : ContextNames.PointOf(name) is { } point && lease.OpenChanges(point) is { } changes ? new ChangeStatus(changes)
        : null;

    private static bool IsPoint(IExportLease lease, string point)
    {
        using var changes = lease.OpenChanges(point);
        return changes is not null;
    }

    /// <summary>The export of that name: the one that is open already, or a new one in its place.</summary>
    private bool TryOpen(
        string name, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IExportLease? lease, out NbdOptionReply error, out string message)
    {
        (error, message) = (NbdOptionReply.ErrorUnknown, $"there is no export '{name}'");
        if (_openName != name)
        {
            CloseLease();
            if (_contextLease is not null && _contextExport == name)
            {
                (Lease, _openName) = (_contextLease, name);
            }
        }

        lease = Lease;
        if (lease is not null)
        {
            return true;
        }

        try
        {
            (Lease, _openName) = (catalog.Open(name), name);
        }
        catch (DrException exception)
        {
            (error, message) = (NbdOptionReply.ErrorPolicy, Sentence(exception));
        }

        lease = Lease;
        return lease is not null;
    }

    private NegotiationStep Transmit(string name)
    {
        if (!string.Equals(_contextExport, name, StringComparison.Ordinal))
        {
            ForgetContexts();
        }

        return NegotiationStep.Transmit;
    }

    private void ForgetContexts()
    {
        var (contexts, lease) = (_contexts, _contextLease);
        (_contexts, _contextExport, _contextLease) = ([], null, null);
        contexts.ForEach(context => context.Dispose());
        if (lease != Lease)
        {
            lease?.Dispose();
        }
    }

    private void CloseLease()
    {
        var lease = Lease;
        (Lease, _openName) = (null, null);
        if (lease != _contextLease)
        {
            lease?.Dispose();
        }
    }

    private NbdExportFlags FlagsOf(IExportLease lease, bool filtersStatus) => RequestRules.ExportFlags(lease.Device.IsReadOnly, Form, filtersStatus);

    private static string Sentence(DrException exception) => exception.Hint is null ? exception.Message : $"{exception.Message} {exception.Hint}";

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
