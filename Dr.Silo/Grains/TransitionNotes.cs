using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Grains;

/// <summary>What a transition has to tell: audit entry, events, and the run's journal. Pure.</summary>
public static class TransitionNotes
{
    public static IReadOnlyList<OutboxNote> Of(SystemState before, Transition transition, long number, DateTimeOffset? suspectedAt, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(transition);
        if (transition.Audit is not { } audit)
        {
            return [];
        }

        var next = transition.Next;
        var key = $"{next.System}#{number}";
        List<OutboxNote> notes =
        [
            new()
            {
                Kind = NoteKind.Audit,
                Key = key,
                Audit = new AuditRecord
                {
                    At = audit.At,
                    Actor = audit.Actor,
                    Action = audit.Event,
                    Subject = audit.System.Value,
                    Epoch = audit.Epoch,
                    Text = $"{audit.From} → {audit.To}: {audit.Rule}",
                    Evidence = new Dictionary<string, string> { ["event"] = audit.Evidence, ["run"] = audit.Run?.Value ?? "" },
                },
            },
        ];
        if (audit.From != audit.To || transition.Effects.Any(e => e is SystemEffect.RaiseAlert))
        {
            notes.Add(Event(key, next, audit, transition, now));
        }

        if (next.Run is { } run)
        {
            Live(notes, key, before, next, run, suspectedAt);
        }

        if (before.Run is { } ended && next.Run?.Id != ended.Id)
        {
            Ended(notes, key, ended, audit);
        }

        return notes;
    }

    public static RunState StateOf(SystemState state) => state.Phase switch
    {
        Phase.Deciding when state.Run?.Assessment is not null => RunState.WaitingForApproval,
        Phase.OnTrial => RunState.OnTrial,
        Phase.NeedsOperator => RunState.NeedsOperator,
        _ => RunState.Running,
    };

    public static RunKind KindOf(LiveRun run, SiteId home) => run.Kind switch
    {
        RunPurpose.Failover => RunKind.Failover,
        RunPurpose.Move => run.To == home ? RunKind.Failback : RunKind.Move,
        RunPurpose.Drill => RunKind.Drill,
        RunPurpose.RollBack => RunKind.RollBack,
        _ => RunKind.Reinstate,
    };

    private static OutboxNote Event(string key, SystemState next, AuditEntry audit, Transition transition, DateTimeOffset now)
    {
        var alert = transition.Effects.OfType<SystemEffect.RaiseAlert>().FirstOrDefault();
        return new OutboxNote
        {
            Kind = NoteKind.Event,
            Key = $"{key}:event",
            Event = new EventRecord
            {
                At = now,
                Kind = audit.From != audit.To ? "system.phase" : "alert",
                Subject = next.System.Value,
                Severity = alert is null ? Severity.Information : alert.Critical ? Severity.Critical : Severity.Warning,
                Text = alert is null ? $"{audit.From} → {audit.To}: {audit.Rule}" : $"{audit.To}: {alert.Text}",
                Data = new Dictionary<string, string>
                {
                    ["from"] = audit.From.ToString(),
                    ["to"] = audit.To.ToString(),
                    ["epoch"] = audit.Epoch.ToString(),
                    ["alert"] = alert?.Alert.ToString() ?? "",
                },
            },
        };
    }

    private static void Live(List<OutboxNote> notes, string key, SystemState before, SystemState next, LiveRun run, DateTimeOffset? suspectedAt)
    {
        var was = before.Run?.Id == run.Id ? before.Run : null;
        if (was is null)
        {
            notes.Add(new OutboxNote
            {
                Kind = NoteKind.RunOpened,
                Key = $"{key}:open",
                Run = run.Id,
                Header = new RunHeader
                {
                    Id = run.Id,
                    System = next.System,
                    Kind = KindOf(run, next.Rules.Home),
                    From = run.From,
                    To = run.To,
                    Epoch = before.Owner.Epoch,
                    Actor = run.StartedBy,
                    Reason = run.Reason ?? next.Reason ?? "ordered",
                    StartedAt = run.StartedAt,
                },
            });
            if (run.Automatic)
            {
                Fact(notes, key, run.Id, "detectedAt", $"{suspectedAt ?? run.StartedAt:O}");
            }
        }

        if (run.Verdict is { } verdict && verdict != was?.Verdict)
        {
            Fact(notes, key, run.Id, "verdict", verdict.ToString());
        }

        if (run.Assessment is { } assessment && assessment != was?.Assessment)
        {
            Fact(notes, key, run.Id, "predictedLossSeconds", assessment.Loss.Age is { } age ? age.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture) : "unknown");
            Fact(notes, key, run.Id, "predictedLossBasis", assessment.Loss.Basis);
        }

        if (run.ApprovedBy is { } by && by != was?.ApprovedBy)
        {
            Fact(notes, key, run.Id, "approvedBy", by);
        }

        if (run.Attestation is { } attestation && attestation != was?.Attestation)
        {
            Fact(notes, key, run.Id, "attestation", attestation.ToString());
        }

        if (run.LastGrantedAt is { } granted && granted != was?.LastGrantedAt)
        {
            Fact(notes, key, run.Id, "lastLeaseGranted", $"{granted:O}");
            Fact(notes, key, run.Id, "leaseLapsesAt", $"{run.FenceBy:O}");
        }

        if (run.Proof is { } proof && proof != was?.Proof)
        {
            Fact(notes, key, run.Id, "fencingProof", $"{proof.Kind} by {proof.By} at {proof.At:O}, epoch {proof.FencedEpoch}{(proof.LastSequence is { } last ? $", last write {last}" : "")}");
        }

        if (run.Claimed && was is not { Claimed: true })
        {
            Fact(notes, key, run.Id, "ownership", $"epoch {next.Owner.Epoch} at {next.Owner.Site}");
        }

        if (run.Final is { Digest: { } digest } && was?.Final is null)
        {
            Fact(notes, key, run.Id, "finalDigest", digest);
        }

        if (next.Phase == Phase.OnTrial && before.Phase != Phase.OnTrial)
        {
            Fact(notes, key, run.Id, "servingAt", $"{next.Since:O}");
        }

        if (run.Trouble is { } trouble && trouble != was?.Trouble)
        {
            Fact(notes, key, run.Id, "trouble", trouble);
        }

        if (was is null || StateOf(before) != StateOf(next))
        {
            notes.Add(new OutboxNote { Kind = NoteKind.RunState, Key = $"{key}:state", Run = run.Id, State = StateOf(next) });
        }
    }

    private static void Ended(List<OutboxNote> notes, string key, LiveRun ended, AuditEntry audit)
    {
        var done = ended.Claimed || ended is { Kind: RunPurpose.Drill, DrillFailure: null };
        notes.Add(new OutboxNote
        {
            Kind = NoteKind.RunClosed,
            Key = $"{key}:close",
            Run = ended.Id,
            State = done ? RunState.Done : RunState.Stopped,
            Text = $"{audit.Rule} ({audit.To})",
        });
    }

    private static void Fact(List<OutboxNote> notes, string key, RunId run, string name, string value) =>
        notes.Add(new OutboxNote { Kind = NoteKind.RunFact, Key = $"{key}:{name}", Run = run, Name = name, Text = value });
}
