using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Grains;

/// <summary>The loop: results and observations become events, events transitions, transitions effects.</summary>
internal sealed partial class BusinessSystemGrain
{
    private const int RoundsPerPump = 50;

    private readonly Queue<(DeviceCommand Command, CommandResult Result)> _results = [];

    private async Task PumpAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (store.State is not { Settings: not null, Machine: not null })
            {
                return;
            }

            if (!_isGranter)
            {
                await TakeUpAsync(cancellationToken);
            }

            TellFollowers();
            await TakeResultsAsync();
            await NoteServingAsync();
            await HearStoredMirrorsAsync();
            await AskTurnAsync();
            _watch.HearsSince = observer.Now.TrustedSince is var trusted && trusted > _activatedAt ? trusted : _activatedAt;
            foreach (var seen in _watch.Observe(store.State.Settings!, store.State.Machine!, store.State.ServedEpoch, time.GetUtcNow()))
            {
                _inbox.Enqueue(seen);
            }

            for (var round = 0; round < RoundsPerPump && (_inbox.Count > 0 || store.State.Effects.Count > 0); round++)
            {
                while (_inbox.TryDequeue(out var evt))
                {
                    await ApplyAsync(evt);
                }

                if (!await ActAsync())
                {
                    break;
                }
            }

            await FlushNotesAsync();
            await SetUpAsync(time.GetUtcNow());
            await ProbeAsync(time.GetUtcNow());
        }
        catch (Exception e) when (e is not InvariantException)
        {
            // The state says what is owed; the next tick tries again from it. An invariant's failure ends the activation instead.
            LogPumpFailed(Id, e);
        }
        catch (InvariantException e)
        {
            LogInvariant(Id, e);
            DeactivateOnIdle();
        }
    }

    /// <summary>Asks the machine and stores its answer in one write. False: the event did not apply.</summary>
    private async Task<bool> ApplyAsync(SystemEvent evt)
    {
        var record = store.State;
        var before = record.Machine!;
        var now = time.GetUtcNow();
        var transition = FailoverMachine.Apply(before, evt, now);
        if (!transition.Applied)
        {
            return false;
        }

        var suspectedAt = evt is SystemEvent.Suspected && before.Phase != Phase.Suspect ? now : record.SuspectedAt;
        var number = record.Transitions + 1;
        await SaveAsync(record with
        {
            Machine = transition.Next,
            Transitions = number,
            SuspectedAt = suspectedAt,
            Effects = [.. record.Effects, .. transition.Effects.Where(e => e is not SystemEffect.RaiseAlert)],
            Notes = [.. record.Notes, .. TransitionNotes.Of(before, transition, number, suspectedAt, now)],
            LastTakeoverSeconds = transition.Next.Phase == Phase.OnTrial && before.Phase != Phase.OnTrial && suspectedAt is { } from ? (now - from).TotalSeconds : record.LastTakeoverSeconds,
        });
        foreach (var owed in transition.Effects)
        {
            CrashPoints.Pass("saved", owed);
        }

        LogTransition(Id, before.Phase, transition.Next.Phase, transition.Audit!.Rule, transition.Next.Owner.Epoch);
        if (transition.Next.Owner != before.Owner)
        {
            _fencing = false;
            TellFollowers();
            await TellOwnershipAsync();
        }
        else if (_fencing && transition.Next.Run is not { LeasesStopped: true } && await ledger.ReleaseAsync(Id, transition.Next.Owner.Epoch, CancellationToken.None))
        {
            _fencing = false;
        }

        return true;
    }

    private async Task TakeResultsAsync()
    {
        while (_results.TryDequeue(out var item))
        {
            var (command, result) = item;
            if (command.Step is RepairStep or RepairStopStep or RepairAgainStep or RepairNetworkStep)
            {
                await RepairedAsync(command, result);
                continue;
            }

            if (!StepCommands.TryParse(command, out var key, out var attempt))
            {
                continue;
            }

            if (key.Step == StepKind.DemoteCopy && PointId.TryParse(result.Evidence.GetValueOrDefault("point"), out var point))
            {
                await SaveAsync(store.State with { FinalPoint = point });
            }

            if (store.State.Machine!.Run?.Id == key.Run || store.State.Machine.FinishedRuns.Contains(key.Run))
            {
                await GrainFactory.GetGrain<IRunGrain>(key.Run.Value).EndAsync(
                    key.Step.ToString(), key.Target.Value, result.Outcome == CommandOutcome.Done ? StepState.Done : StepState.Failed, result.Detail ?? result.Outcome.ToString(), result.Evidence);
            }

            _inbox.Enqueue(StepCommands.EventOf(key, attempt, result));
        }
    }

    /// <summary>Audit, journal and events: in order, keyed, so that writing them again after a crash changes nothing.</summary>
    private async Task FlushNotesAsync()
    {
        var notes = store.State.Notes;
        if (notes.Count == 0)
        {
            return;
        }

        await audit.AppendAsync([.. notes.Where(n => n.Audit is not null).Select(n => ((string?)n.Key, n.Audit!))], CancellationToken.None);
        foreach (var note in notes.Where(n => n.Run is not null))
        {
            var run = GrainFactory.GetGrain<IRunGrain>(note.Run!.Value.Value);
            await (note.Kind switch
            {
                NoteKind.RunOpened => run.OpenAsync(note.Header!),
                NoteKind.RunFact => run.NoteAsync(note.Name!, note.Text!),
                NoteKind.RunState => run.SetStateAsync(note.State!.Value),
                NoteKind.RunClosed => run.CloseAsync(note.State!.Value, note.Text!),
                _ => Task.CompletedTask,
            });
        }

        await events.AppendAsync([.. notes.Where(n => n.Event is not null).Select(n => ((string?)n.Key, n.Event!))], CancellationToken.None);

        // Cleared in memory; the next write stores it. A crash before that writes them again, which their keys make harmless.
        store.State = store.State with { Notes = [.. store.State.Notes.Skip(notes.Count)] };
    }
}
