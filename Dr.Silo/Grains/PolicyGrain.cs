using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Policies;
using Dr.Silo.Storage;
using Orleans.Runtime;

namespace Dr.Silo.Grains;

/// <summary>All policies. A change is stored, with what the audit will say, before it acts; then it is brought to every system until each has it.</summary>
[GrainType("policies")]
internal sealed partial class PolicyGrain(
    [PersistentState("policies")] IPersistentState<PolicyRecord> store,
    GrainConfigurator configurator,
    AuditLog audit,
    EventLog events,
    RunJournal journal,
    TimeProvider time,
    ILogger<PolicyGrain> logger) : Grain, IPolicyGrain
{
    /// <summary>Versions whose whole content is kept.</summary>
    public const int BooksKept = 20;

    private const int HistoryKept = 100;

    /// <summary>More takeovers in a year than this leave no opening day without one.</summary>
    private const int FaultsRead = 1000;

    /// <summary>An audit entry shows this many differences in full, and how many more there are.</summary>
    private const int DifferencesTold = 50;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CallDeadline = TimeSpan.FromSeconds(10);

    private readonly Dictionary<SystemId, string> _problems = [];

    // The configuration is handed over by each silo at its start, so an activation brings nothing to anybody by itself.
    private long _applied;

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _applied = store.State.AppliedVersion;
        this.RegisterGrainTimer(OnTickAsync, new GrainTimerCreationOptions(Tick, Tick) { KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task<PolicyBook> GetBookAsync() => Task.FromResult(store.State.Book);

    public Task<PolicyBook?> GetVersionAsync(long version) =>
        Task.FromResult(store.State.Book.Version == version ? store.State.Book : store.State.Books.FirstOrDefault(b => b.Version == version));

    public Task<PolicyPlan> PlanAsync(PolicyChange change) => Task.FromResult(PlanOf(change).Plan);

    public async Task<PolicyPlan> ApplyAsync(PolicyChange change)
    {
        ArgumentNullException.ThrowIfNull(change);
        var (plan, next) = PlanOf(change);
        if (!plan.IsAccepted || next == store.State.Book)
        {
            return plan;
        }

        var version = new PolicyVersion { Version = next.Version, ChangedAt = next.ChangedAt, ChangedBy = next.ChangedBy, Reason = next.Reason, Differences = plan.Differences };
        await SaveAsync(store.State with
        {
            Book = next,
            History = [version, .. store.State.History.Take(HistoryKept - 1)],
            Books = store.State.Book.Version == 0 ? [] : [store.State.Book, .. store.State.Books.Take(BooksKept - 1)],
            Notes = [.. store.State.Notes, NoteOf(version)],
        });
        LogChanged(next.Version, change.Actor, plan.Differences.Count);
        await TellAsync();
        return plan with { Version = next.Version };
    }

    public async Task<PolicyView> GetAsync() => new()
    {
        Book = store.State.Book,
        History = store.State.History,
        Systems = await Task.WhenAll((configurator.Systems ?? []).Select(ReachAsync)),
    };

    private (PolicyPlan Plan, PolicyBook Next) PlanOf(PolicyChange change) =>
        PolicyPlanner.Plan(store.State.Book, change, configurator.Systems ?? [], configurator.TimersOf, time.GetUtcNow());

    private async Task OnTickAsync(CancellationToken cancellationToken)
    {
        await TellAsync();
        var book = store.State.Book;
        if (configurator.Systems is not { } systems || (_applied == book.Version && _problems.Count == 0))
        {
            return;
        }

        foreach (var system in systems)
        {
            try
            {
                await configurator.ApplyAsync(system, book, cancellationToken).WaitAsync(CallDeadline, time, cancellationToken);
                _problems.Remove(system.Id);
            }
            catch (Exception e) when (e is TimeoutException or OrleansException or System.Data.Common.DbException)
            {
                // Shown, and tried again by the next tick until it has it.
                _problems[system.Id] = $"the policies of version {book.Version} have not reached it: {e.Message}";
                LogNotApplied(system.Id, book.Version, e.Message);
            }
        }

        await configurator.ApplyCalendarsAsync(book);
        if (_problems.Count == 0 && store.State.AppliedVersion != book.Version)
        {
            await SaveAsync(store.State with { AppliedVersion = book.Version });
        }

        _applied = book.Version;
    }

    private async Task TellAsync()
    {
        if (store.State.Notes.Count == 0)
        {
            return;
        }

        try
        {
            var notes = store.State.Notes;
            await audit.AppendAsync([.. notes.Where(n => n.Audit is not null).Select(n => ((string?)n.Key, n.Audit!))], CancellationToken.None);
            await events.AppendAsync([.. notes.Where(n => n.Event is not null).Select(n => ((string?)n.Key, n.Event!))], CancellationToken.None);
            await SaveAsync(store.State with { Notes = [] });
        }
        catch (System.Data.Common.DbException e)
        {
            // It is in the state: the next tick writes it, once.
            LogNotTold(e.Message);
        }
    }

    private async Task<PolicyReach> ReachAsync(SystemSettings system)
    {
        var book = store.State.Book;
        var policy = book.PolicyOf(system.Id);
        List<string> problems = [.. _problems.TryGetValue(system.Id, out var problem) ? [problem] : Array.Empty<string>()];
        List<BackupView> backups = [];
        var version = book.Version;
        foreach (var volume in new[] { system.Volume, system.ApplicationVolume }.OfType<string>().Distinct(StringComparer.Ordinal))
        {
            if (await GrainFactory.GetGrain<IVolumeGrain>(volume).GetAsync().WaitAsync(CallDeadline, time) is { } view)
            {
                backups.AddRange(view.Backups);
                problems.AddRange(view.PolicyProblems.Select(p => $"{volume}: {p}"));
                version = Math.Min(version, view.PolicyVersion);
            }
        }

        var now = time.GetUtcNow();
        var calendar = policy is null ? null : book.CalendarOf(policy.Calendar);
        return new PolicyReach
        {
            System = system.Id,
            Policy = policy?.Name,
            Version = version,
            Problems = problems,
            Backups = backups,
            NextSmallDrillAt = policy is null ? null : PolicySchedule.Next(policy, calendar!, ScheduledWork.SmallCheck, null, now),
            NextLargeDrillAt = policy is null ? null : PolicySchedule.Next(policy, calendar!, ScheduledWork.LargeCheck, null, now),
            FaultRatePercent = policy is null ? null : FaultRate.Of(calendar!, store.State.History[^1].ChangedAt, now, await FaultsAsync(system.Id)),
            FaultRateBelowPercent = policy?.Targets.FaultRateBelowPercent,
        };
    }

    /// <summary>When its unplanned takeovers began.</summary>
    private async Task<IEnumerable<DateTimeOffset>> FaultsAsync(SystemId system) =>
        (await journal.ListAsync(new RunFilter { System = system.Value, Kind = RunKind.Failover }, FaultsRead, CancellationToken.None)).Select(r => r.StartedAt);

    private static OutboxNote NoteOf(PolicyVersion version)
    {
        var told = version.Differences.Take(DifferencesTold).Select((d, i) => ($"{i + 1:00} {d.Subject}: {d.Field}", $"{d.Before ?? "-"} -> {d.After ?? "-"}"));
        var evidence = told.ToDictionary(d => d.Item1, d => d.Item2);
        if (version.Differences.Count > DifferencesTold)
        {
            evidence["more"] = $"{version.Differences.Count - DifferencesTold} more; GET /api/v1/policies shows them";
        }

        var text = $"Version {version.Version}, {version.Differences.Count} differences: {version.Reason}";
        return new OutboxNote
        {
            Kind = NoteKind.Audit,
            Key = $"policies.{version.Version}",
            Audit = new AuditRecord { At = version.ChangedAt, Actor = version.ChangedBy, Action = "policies.change", Subject = "policies", Text = text, Evidence = evidence },
            Event = new EventRecord { At = version.ChangedAt, Kind = "policies.change", Subject = "policies", Severity = Severity.Information, Text = $"{version.ChangedBy} changed the policies. {text}", Data = new Dictionary<string, string> { ["version"] = $"{version.Version}" } },
        };
    }

    private Task SaveAsync(PolicyRecord record) => store.SaveAsync(record, onConflict: DeactivateOnIdle);

    [LoggerMessage(3401, LogLevel.Information, "Policies: version {Version} by {Actor}, {DifferenceCount} differences")]
    private partial void LogChanged(long version, string actor, int differenceCount);

    [LoggerMessage(3402, LogLevel.Warning, "System {SystemId}: policies of version {Version} have not reached it, the next round tries again: {Reason}")]
    private partial void LogNotApplied(SystemId systemId, long version, string reason);

    [LoggerMessage(3403, LogLevel.Warning, "Policies: the audit cannot be written, the next round tries again: {Reason}")]
    private partial void LogNotTold(string reason);
}
