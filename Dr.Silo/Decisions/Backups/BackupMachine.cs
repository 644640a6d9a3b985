using Dr.Contracts.Grains;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Policies;

namespace Dr.Silo.Decisions.Backups;

/// <summary>
/// Brings about the backups that a volume's policy asks for. Pure.
/// <list type="bullet">
/// <item>At most one full and one change backup at a time; a job that cannot go on ends with a reason and is tried again, later each time.</item>
/// <item>A full counts only when every block was read at both ends with the same digest; the last proven one is held until a newer one is proven.</item>
/// <item>Results of other jobs, and repeated ones, change nothing.</item>
/// </list>
/// </summary>
public static class BackupMachine
{
    public const int RecordsKept = 40;

    /// <summary>A point waits for a quiesce of at most 10 s.</summary>
    public static readonly TimeSpan ShortStep = TimeSpan.FromSeconds(30);

    /// <summary>What changed in a while goes over a small line.</summary>
    public static readonly TimeSpan SyncStep = TimeSpan.FromHours(2);

    /// <summary>A TiB is read in less.</summary>
    public static readonly TimeSpan LongStep = TimeSpan.FromHours(12);

    /// <summary>The device's own outbox reports an expired command a minute after its deadline; only then is silence an answer.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan FirstRetry = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LastRetry = TimeSpan.FromHours(1);

    private static readonly (BackupKind Kind, ScheduledWork Work)[] Kinds =
    [
        (BackupKind.Incremental, ScheduledWork.Incremental), (BackupKind.Differential, ScheduledWork.Differential),
        (BackupKind.Application, ScheduledWork.Application), (BackupKind.Full, ScheduledWork.Full),
    ];

    public static bool LaneOf(BackupKind kind) => kind == BackupKind.Full;

    /// <summary>When a kind is due; null = not asked for.</summary>
    public static DateTimeOffset? NextAt(BackupState state, BackupPolicy policy, OpeningCalendar calendar, BackupKind kind, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        var due = PolicySchedule.Next(policy, calendar, Kinds.First(k => k.Kind == kind).Work, state.LastRuns.TryGetValue(kind, out var last) ? last : null, now);
        return due is { } at && state.Troubles.GetValueOrDefault(kind) is { } trouble && trouble.AgainAt > at ? trouble.AgainAt : due;
    }

    /// <summary>Starts what is due and gives the commands of steps that have none; gives up what is past its deadline or has lost its owner.</summary>
    public static (BackupState State, IReadOnlyList<BackupOrder> Orders) Step(BackupState state, BackupFacts facts, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(facts);
        foreach (var job in state.Live)
        {
            state = (job.Owner, job.Epoch) != (facts.Owner, facts.Epoch) ? Ended(state, job, $"ownership moved to {facts.Owner} at epoch {facts.Epoch}", now)
                : job.Pending is not null && now > job.Deadline + Grace ? Failed(state, job, $"{Words(job)} was not answered", now)
                : state;
        }

        foreach (var lane in new[] { false, true })
        {
            if (Due(state, facts, lane, now) is { } kind)
            {
                state = Begin(state, facts, kind, now);
            }
        }

        List<BackupOrder> orders = [];
        foreach (var job in state.Live.Where(j => j.Pending is null))
        {
            if (job.Step is BackupStep.Sync or BackupStep.DigestThere or BackupStep.HoldThere && !facts.PeerReady)
            {
                state = Failed(state, job, $"the other copy at {job.Peer} is not ready; the point is there", now);
                continue;
            }

            var point = PointFor(state, job);
            var id = new CommandId($"{facts.Volume}.backup.{job.Epoch}.{job.Number}.{job.Step}{(job.Step is BackupStep.Release or BackupStep.ReleaseThere ? $".{point}" : "")}");
            var given = job with { Pending = id, Deadline = now + Limit(job.Step) };
            state = With(state, given);
            orders.Add(Again(state, given));
        }

        return (state, orders);
    }

    /// <summary>The command that a job waits for.</summary>
    public static BackupOrder Again(BackupState state, BackupJob job)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(job);
        var there = job.Step is BackupStep.DigestThere or BackupStep.HoldThere or BackupStep.ReleaseThere;
        return new BackupOrder(job.Pending!.Value, there ? job.PeerAppliance!.Value : job.Owner, job.Step, job, PointFor(state, job), job.Deadline);
    }

    /// <summary>Takes in a final result.</summary>
    public static BackupState Heard(BackupState state, CommandResult result, string quiesce, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(result);
        if (result.Outcome == CommandOutcome.Progress || state.Live.FirstOrDefault(j => j.Pending == result.Id) is not { } job)
        {
            return state;
        }

        if (result.Outcome != CommandOutcome.Done)
        {
            return Failed(state, job, $"{Words(job)}: {result.Detail ?? result.Outcome.ToString()}", now);
        }

        return job.Step switch
        {
            BackupStep.Point => PointTaken(state, job, result, quiesce, now),
            BackupStep.Hold => Next(With(state, job) with { Held = [.. state.Held, job.Record!.Point] }, job, job.Peer is null ? BackupStep.DigestHere : BackupStep.Sync, now),
            BackupStep.Sync => job.Kind == BackupKind.Full
                ? Next(state, job with { Record = job.Record! with { Peer = job.Peer } }, BackupStep.DigestHere, now)
                : Done(state, job with { Record = job.Record! with { Peer = job.Peer } }),
            BackupStep.DigestHere => result.Evidence.TryGetValue("digest", out var digest)
                ? Prove(state, job with { Record = job.Record! with { Digest = digest } }, now)
                : Failed(state, job, "the owner gave no digest", now),
            BackupStep.DigestThere => result.Evidence.GetValueOrDefault("digest") == job.Record!.Digest
                ? Next(state, job with { Record = job.Record with { VerifiedAt = now } }, BackupStep.HoldThere, now)
                : Failed(state, job, $"the image at {job.Peer} is not the same as the owner's: the copies differ at point {job.Record.Point}", now),
            BackupStep.HoldThere => Next(Kept(state, job), job, BackupStep.Release, now),
            BackupStep.Release when job.Failure is { } failure => Ended(LetGo(state, job), job, failure, now),
            BackupStep.Release when job.PeerAppliance is not null => Next(state, job, BackupStep.ReleaseThere, now),
            BackupStep.Release or BackupStep.ReleaseThere => Next(LetGo(state, job), job, BackupStep.Release, now),
            _ => state,
        };
    }

    private static BackupState PointTaken(BackupState state, BackupJob job, CommandResult result, string quiesce, DateTimeOffset now)
    {
        if (!result.Evidence.TryGetValue("point", out var point) || !PointId.TryParse(point, out var id) || !result.Evidence.TryGetValue("sequence", out var sequence)
            || !long.TryParse(sequence, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return Failed(state, job, "the owner named no point", now);
        }

        var consistency = result.Evidence.GetValueOrDefault("consistency");
        if (!QuiesceMode.IsMet(quiesce, consistency, result.Evidence.GetValueOrDefault("reason")))
        {
            return Failed(state, job, $"the point is not consistent by {quiesce}: {result.Evidence.GetValueOrDefault("reason") ?? consistency}", now);
        }

        job = job with
        {
            Record = new BackupRecord
            {
                Kind = job.Kind,
                Point = id,
                Sequence = new SequenceNumber(number),
                At = result.FinishedAt == default ? now : result.FinishedAt,
                Base = job.Base,
                ChangedBytes = result.Evidence.TryGetValue("changedBytes", out var bytes) && long.TryParse(bytes, NumberStyles.None, CultureInfo.InvariantCulture, out var changed) ? changed : null,
                Consistency = consistency,
            },
        };
        return job.Kind == BackupKind.Full ? Next(state, job, BackupStep.Hold, now) : job.Peer is null ? Done(state, job) : Next(state, job, BackupStep.Sync, now);
    }

    private static BackupState Prove(BackupState state, BackupJob job, DateTimeOffset now)
    {
        if (job.PeerAppliance is not null)
        {
            return Next(state, job, BackupStep.DigestThere, now);
        }

        // There is no other copy: read whole against its checksums is all that can be proven.
        job = job with { Record = job.Record! with { VerifiedAt = now } };
        return Next(Kept(state, job), job, BackupStep.Release, now);
    }

    /// <summary>From here on the new full is the last proven one.</summary>
    private static BackupState Kept(BackupState state, BackupJob job) =>
        state.Records.Any(r => r.Point == job.Record!.Point && r.Kind == BackupKind.Full) ? state : Recorded(state, job);

    private static BackupState Done(BackupState state, BackupJob job) =>
        (job.Kind == BackupKind.Full ? Kept(state, job) : Recorded(state, job)) with { Live = [.. state.Live.Where(j => j.Number != job.Number)] };

    /// <summary>The kinds that one of <paramref name="kind"/> is as well: a point with everything up to it elsewhere is an incremental, too; a full is all of them.</summary>
    public static IReadOnlyList<BackupKind> CoveredBy(BackupKind kind) => kind switch
    {
        BackupKind.Full => [BackupKind.Full, BackupKind.Differential, BackupKind.Incremental, BackupKind.Application],
        BackupKind.Incremental => [BackupKind.Incremental],
        _ => [kind, BackupKind.Incremental],
    };

    private static BackupState Recorded(BackupState state, BackupJob job)
    {
        var covers = CoveredBy(job.Kind);
        var runs = new Dictionary<BackupKind, DateTimeOffset>(state.LastRuns);
        foreach (var kind in covers)
        {
            runs[kind] = runs.TryGetValue(kind, out var last) && last > job.StartedAt ? last : job.StartedAt;
        }

        var records = state.Records.Append(job.Record!).ToArray();
        return state with
        {
            // The last proven full stays in the list, however many changes have followed it.
            Records = [.. records.Where((r, i) => i >= records.Length - RecordsKept || r == records.LastOrDefault(x => x.Kind == BackupKind.Full))],
            LastRuns = runs,
            Troubles = state.Troubles.Where(t => !covers.Contains(t.Key)).ToDictionary(t => t.Key, t => t.Value),
        };
    }

    private static BackupState LetGo(BackupState state, BackupJob job) => PointFor(state, job) is { } point ? state with { Held = [.. state.Held.Where(p => p != point)] } : state;

    /// <summary>A step could not be done. What was proven stays so, and the point of a full that was not is let go first.</summary>
    private static BackupState Failed(BackupState state, BackupJob job, string reason, DateTimeOffset now) => job switch
    {
        { Step: BackupStep.HoldThere } => Next(Kept(state, job), job, BackupStep.Release, now),
        { Step: BackupStep.Release or BackupStep.ReleaseThere, Failure: null } => Done(state, job),
        { Kind: BackupKind.Full, Step: BackupStep.Sync or BackupStep.DigestHere or BackupStep.DigestThere } => Next(state, job with { Failure = reason }, BackupStep.Release, now),
        _ => Ended(state, job, job.Failure ?? reason, now),
    };

    private static BackupState Ended(BackupState state, BackupJob job, string reason, DateTimeOffset now)
    {
        var times = (state.Troubles.GetValueOrDefault(job.Kind)?.Times ?? 0) + 1;
        var wait = TimeSpan.FromTicks(Math.Min(LastRetry.Ticks, FirstRetry.Ticks << Math.Min(times - 1, 10)));
        return state with
        {
            Live = [.. state.Live.Where(j => j.Number != job.Number)],
            Troubles = new Dictionary<BackupKind, BackupTrouble>(state.Troubles) { [job.Kind] = new(reason, times, now + wait) },
        };
    }

    /// <summary>The kind of the lane that is due and covers most; null when none is, or one is live.</summary>
    private static BackupKind? Due(BackupState state, BackupFacts facts, bool fulls, DateTimeOffset now)
    {
        if (state.Live.Any(j => LaneOf(j.Kind) == fulls))
        {
            return null;
        }

        bool IsDue(BackupKind kind) => NextAt(state, facts.Policy, facts.Calendar, kind, now) is { } at && at <= now;
        if (fulls)
        {
            // A difference needs something to differ from: the first one brings about a full, scheduled or not.
            var first = facts.Policy.Periods.Differential is not null && state.LastFull is null && !(state.Troubles.GetValueOrDefault(BackupKind.Full)?.AgainAt > now);
            return first || IsDue(BackupKind.Full) ? BackupKind.Full : null;
        }

        BackupKind[] order = [BackupKind.Differential, BackupKind.Application, BackupKind.Incremental];
        var kind = order.Where(k => IsDue(k) && (k != BackupKind.Differential || state.LastFull is not null)).Cast<BackupKind?>().FirstOrDefault();
        return kind;
    }

    private static BackupState Begin(BackupState state, BackupFacts facts, BackupKind kind, DateTimeOffset now) => state with
    {
        Jobs = state.Jobs + 1,
        Live =
        [
            .. state.Live,
            new BackupJob
            {
                Number = state.Jobs + 1,
                Kind = kind,
                Step = BackupStep.Point,
                StartedAt = now,
                Deadline = now + ShortStep,
                Owner = facts.Owner,
                Epoch = facts.Epoch,
                Peer = facts.Peer,
                PeerAppliance = facts.Peer is null ? null : facts.PeerAppliance,
                Base = kind switch { BackupKind.Full => null, BackupKind.Differential => state.LastFull?.Point, _ => facts.NewestPoint },
            },
        ],
    };

    private static BackupState Next(BackupState state, BackupJob job, BackupStep step, DateTimeOffset now)
    {
        job = job with { Step = step, Pending = null, Deadline = now + Limit(step) };
        return step == BackupStep.Release && PointFor(state, job) is null ? Done(state, job) : With(state, job);
    }

    private static BackupState With(BackupState state, BackupJob job) => state with { Live = [.. state.Live.Select(j => j.Number == job.Number ? job : j)] };

    private static PointId? PointFor(BackupState state, BackupJob job) => job.Step switch
    {
        BackupStep.Release or BackupStep.ReleaseThere when job.Failure is null => state.Held.Where(p => p != job.Record!.Point).Cast<PointId?>().FirstOrDefault(),
        _ => job.Record?.Point,
    };

    private static TimeSpan Limit(BackupStep step) => step switch
    {
        BackupStep.Sync => SyncStep,
        BackupStep.DigestHere or BackupStep.DigestThere => LongStep,
        _ => ShortStep,
    };

    /// <summary>What a job is doing, for people.</summary>
    public static string Words(BackupJob job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return job.Step switch
        {
            BackupStep.Point => "taking the point",
            BackupStep.Hold => "holding the point",
            BackupStep.Sync => $"waiting until {job.Peer} has it",
            BackupStep.DigestHere => $"reading the image at {job.Owner}",
            BackupStep.DigestThere => $"reading the image at {job.PeerAppliance}",
            BackupStep.HoldThere => $"holding it at {job.PeerAppliance}",
            _ => "letting the full before go",
        };
    }
}
