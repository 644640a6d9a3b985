using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Alerts;
using Orleans.Runtime;

namespace Dr.Silo.Alerts;

/// <summary>Holds the board: asks the machine, stores board and notices in one piece, and only then believes it.</summary>
[GrainType("alerts")]
internal sealed class AlertGrain(AlertStore store, AlertFactsReader reader, NoticeOutbox outbox, TimeProvider time) : Grain, IAlertGrain
{
    /// <summary>What a silo said it cannot reach counts this long.</summary>
    private static readonly TimeSpan LostSaid = TimeSpan.FromSeconds(15);

    // Every silo's clock asks for rounds; one follows another only after this.
    private static readonly TimeSpan RoundsApart = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, (string Text, DateTimeOffset At)> _lost = new(StringComparer.Ordinal);
    private AlertBoard _board = AlertBoard.Empty;
    private long _version;
    private DateTimeOffset _roundAt;

    public override Task OnActivateAsync(CancellationToken cancellationToken) => LoadAsync(cancellationToken);

    public async Task EvaluateAsync(IReadOnlyDictionary<string, string> lost)
    {
        var now = time.GetUtcNow();
        foreach (var (subject, text) in lost)
        {
            _lost[subject] = (text, now);
        }

        if (now - _roundAt < RoundsApart && lost.Count == 0)
        {
            return;
        }

        _roundAt = now;
        foreach (var old in _lost.Where(l => now - l.Value.At > LostSaid).Select(l => l.Key).ToList())
        {
            _lost.Remove(old);
        }

        var (facts, unread) = await reader.ReadAsync(_lost.ToDictionary(l => l.Key, l => l.Value.Text, StringComparer.Ordinal), CancellationToken.None);
        var step = AlertMachine.Step(_board, AlertSampler.Of(facts), facts.At, unread.Contains);
        await SaveAsync(step.Board, step.Notices);
    }

    public Task<AlertsView> GetAsync() => Task.FromResult(AlertViews.Of(_board, time.GetUtcNow()));

    public async Task<bool> AcknowledgeAsync(string alert, AlertOrder order)
    {
        if (_board.Alerts.Values.FirstOrDefault(a => a.IsFiring && a.Id == alert) is not { } found)
        {
            return false;
        }

        await SaveAsync(AlertMachine.Acknowledge(_board, found.Key, order.Actor, order.Reason, order.Until, time.GetUtcNow()), []);
        return true;
    }

    public async Task<string> SilenceAsync(string? kind, string? subject, AlertOrder order)
    {
        var silence = new AlertSilence(Guid.NewGuid().ToString("N")[..12], kind is null ? null : Enum.Parse<AlertKind>(kind, ignoreCase: true), subject, order.Actor, time.GetUtcNow(), order.Until, order.Reason);
        await SaveAsync(_board with { Silences = _board.Silences.Add(silence) }, []);
        return silence.Id;
    }

    public async Task<bool> EndSilenceAsync(string silence)
    {
        var left = _board.Silences.RemoveAll(s => s.Id == silence);
        if (left.Count == _board.Silences.Count)
        {
            return false;
        }

        await SaveAsync(_board with { Silences = left }, []);
        return true;
    }

    private async Task LoadAsync(CancellationToken cancellationToken) => (_board, _version) = await store.LoadAsync(cancellationToken);

    private async Task SaveAsync(AlertBoard next, IReadOnlyList<AlertNotice> notices)
    {
        if (notices.Count == 0 && AlertViews.Same(_board, next))
        {
            return;
        }

        if (!await store.SaveAsync(_board, next, _version, notices, outbox.TargetNames, CancellationToken.None))
        {
            // Another activation wrote: what it wrote counts, and this round is done anew from there.
            await LoadAsync(CancellationToken.None);
            throw new OrleansException("The alerts were changed by another activation; this round counts for nothing.");
        }

        (_board, _version) = (next, _version + 1);
        if (notices.Count > 0)
        {
            outbox.Wake();
        }
    }
}
