using Dr.Edge.Buffers;
using Dr.Edge.Enrolment;
using Dr.Edge.Hosting;
using Dr.Edge.Kiosk.Sip2;
using Dr.Edge.Link;
using Microsoft.Extensions.DependencyInjection;

namespace Dr.Edge.Kiosk;

/// <summary>A transaction as the person at the kiosk sees it.</summary>
/// <param name="Answer">What the library system said.</param>
internal sealed record TransactionView(string Id, string Kind, string Card, string? Item, DateTimeOffset At, string State, string? Answer);

/// <summary>What the person who services the kiosk looks at.</summary>
internal sealed record KioskView
{
    public required string? Device { get; init; }

    public required string? Site { get; init; }

    public required DateTimeOffset At { get; init; }

    /// <summary>One sentence: whether anything has to be done.</summary>
    public required string Summary { get; init; }

    public required bool IsGood { get; init; }

    public required bool LinkUp { get; init; }

    public required string? LinkTrouble { get; init; }

    /// <summary>Rows that the control plane has not confirmed.</summary>
    public required long RowsWaiting { get; init; }

    /// <summary>Null without a SIP2 face.</summary>
    public required int? DeliveriesWaiting { get; init; }

    /// <summary>The library system's server that answers.</summary>
    public required string? Library { get; init; }

    public required string? LibraryTrouble { get; init; }

    public required IReadOnlyList<string> DamagedFiles { get; init; }

    public required long FreeBytes { get; init; }

    public required IReadOnlyList<TransactionView> Recent { get; init; }
}

/// <summary>Gathers a <see cref="KioskView"/>, and knows each transaction's state.</summary>
internal sealed class KioskStatus(EdgeConfig config, LinkState link, EdgeBuffer buffer, TimeProvider time, IServiceProvider services)
{
    private const int RecentMax = 30;
    private const long LowSpaceBytes = 200L << 20;

    private readonly CertificateState _certificate = services.GetRequiredService<CertificateState>();
    private readonly DeliveryStore? _deliveries = services.GetService<DeliveryStore>();
    private readonly Sip2Delivery? _delivery = services.GetService<Sip2Delivery>();
    private readonly Sip2Desk? _desk = services.GetService<DeliveryStore>() is { } store ? new Sip2Desk(config.Kiosk.Sip2!, store, time) : null;

    public async Task<KioskView> LookAsync(CancellationToken cancellationToken)
    {
        var recent = _deliveries is null ? [] : await _deliveries.RecentAsync(RecentMax, cancellationToken);
        var damaged = buffer.SetAside.Concat(_deliveries?.SetAside ?? []).Select(d => $"{Path.GetFileName(d.File)}: {d.Reason}").ToList();
        var free = new DriveInfo(Path.GetFullPath(config.Data)).AvailableFreeSpace;
        var linkUp = config.Brokers.Count == 0 || link.Connected;
        var libraryDown = _deliveries is { Waiting: > 0 } && _delivery?.Server is null;
        var problems = new List<string>();
        if (!linkUp)
        {
            problems.Add("the control plane is not reached");
        }

        if (libraryDown)
        {
            problems.Add($"the library system does not answer and {_deliveries!.Waiting} transactions wait for it");
        }

        if (damaged.Count > 0)
        {
            problems.Add("a damaged file was set aside");
        }

        if (free < LowSpaceBytes)
        {
            problems.Add("the disk is nearly full");
        }

        if (_certificate.Problem is { } ending)
        {
            problems.Add(ending);
        }

        return new KioskView
        {
            Device = config.Device, Site = config.Site, At = time.GetUtcNow(), IsGood = problems.Count == 0, Summary = problems.Count == 0 ? "Everything works." : $"{char.ToUpperInvariant(problems[0][0])}{string.Join("; ", problems)[1..]}.",
            LinkUp = linkUp, LinkTrouble = link.LastTrouble, RowsWaiting = buffer.Waiting, DeliveriesWaiting = _deliveries?.Waiting, Library = _delivery?.Server, LibraryTrouble = _delivery?.Trouble, DamagedFiles = damaged, FreeBytes = free,
            Recent = [.. recent.Select(View)],
        };
    }

    /// <summary>Null when it is not known here.</summary>
    public async Task<TransactionView?> FindAsync(string id, CancellationToken cancellationToken) =>
        _deliveries is not null && await _deliveries.FindAsync(id, cancellationToken) is { } delivery ? View(delivery) : null;

    /// <summary>Passes a transaction of the kiosk's own software to the library system; false where there is none, or the transaction is none of SIP2's.</summary>
    public async Task<bool> DeliverAsync(string id, string kind, string card, string? item, CancellationToken cancellationToken)
    {
        const string blank = "                  ";
        if (_desk is null || item is null)
        {
            return false;
        }

        var home = config.Kiosk.Sip2!.Institution;
        var message = kind switch
        {
            "borrow" => new Sip2Message(Sip2Message.Checkout, $"YN{blank}{blank}", [("AO", home), ("AA", card), ("AB", item), ("AC", "")], null),
            "return" => new Sip2Message(Sip2Message.Checkin, $"N{blank}{blank}", [("AP", ""), ("AO", home), ("AB", item), ("AC", "")], null),
            "renew" => new Sip2Message(Sip2Message.Renew, $"NN{blank}{blank}", [("AO", home), ("AA", card), ("AB", item), ("AC", "")], null),
            _ => null,
        };
        if (message is null)
        {
            return false;
        }

        await _desk.TakeAsync(message, id, cancellationToken);
        return true;
    }

    private static TransactionView View(Delivery delivery)
    {
        var message = Sip2Message.Parse(delivery.Message);
        var kind = message?.Command switch { Sip2Message.Checkout => "borrow", Sip2Message.Checkin => "return", Sip2Message.Renew => "renew", _ => "unknown" };
        var words = delivery.Answer is { } answer && Sip2Message.Parse(answer) is { } parsed ? Sip2OffLine.Verdict(parsed).Words : null;
        return new TransactionView(delivery.Id, kind, delivery.Card, message?["AB"], DateTimeOffset.FromUnixTimeMilliseconds(delivery.AtMs), delivery.State.ToString().ToLowerInvariant(), words);
    }
}
