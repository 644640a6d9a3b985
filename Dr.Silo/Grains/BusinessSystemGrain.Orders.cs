using System.Security.Cryptography;
using System.Text;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Grains;

/// <summary>What people order. The answer says whether the machine took it, or every reason why not.</summary>
internal sealed partial class BusinessSystemGrain
{
    public async Task<RunOutcome> StartRunAsync(StartRun request)
    {
        if (store.State is not { Settings: { } settings, Machine: { } machine })
        {
            return new RunOutcome { Answer = RunAnswer.Unknown, Message = $"There is no system {Id}." };
        }

        var id = IdOf(request);
        if (await journal.ReadAsync(id, CancellationToken.None) is not null)
        {
            return Outcome(RunAnswer.Accepted, id, $"Run {id} was started by this request before.");
        }

        // The ledger, not the view: the order is about what is true now.
        var epoch = (await ledger.ReadAsync(Id, CancellationToken.None))?.Owner.Epoch ?? machine.Owner.Epoch;
        if (request.SeenEpoch is { } seen && seen != epoch)
        {
            return Outcome(RunAnswer.EpochMoved, null, $"The request is about epoch {seen}, but {Id} is at epoch {epoch} now.");
        }

        if (machine.Run is { } live)
        {
            return request.Kind == RunKind.Failover && live is { Automatic: true, Kind: RunPurpose.Failover } && (live.ApprovedBy ?? request.Actor) == request.Actor
                ? await JoinAsync(machine, live, request.Actor)
                : Outcome(RunAnswer.OtherRunLive, live.Id, $"Run {live.Id} is live; only one can be.");
        }

        if (request.Kind == RunKind.Failback && machine.OwnerIsHome)
        {
            return Outcome(RunAnswer.GuardsUnmet, null, $"{Id} cannot fail back: it is at home.", [$"The home site {settings.Home} serves already."]);
        }

        SystemEvent? order = request.Kind switch
        {
            RunKind.Failover => new SystemEvent.StartFailover(request.Actor, id, request.Reason),
            RunKind.Move or RunKind.Failback => new SystemEvent.StartMove(request.Actor, id),
            RunKind.Drill => new SystemEvent.StartDrill(request.Actor, id),
            _ => null,
        };
        if (order is null)
        {
            return Outcome(RunAnswer.NotNow, null, $"A run of kind {request.Kind} is not started by itself; it follows from a decision about another.");
        }

        return await OrderAsync(order, id, $"Run {id} has started.");
    }

    /// <summary>The detector was quicker. Where its run waits for a person or for its turn, the order is that person's approval, of a loss within the policy's limit; given twice it is one.</summary>
    private async Task<RunOutcome> JoinAsync(SystemState machine, LiveRun live, string actor) => machine.Phase switch
    {
        Phase.Deciding when live.ApprovedBy is null => await OrderAsync(new SystemEvent.Approve(actor, live.Id, null), live.Id, $"Run {live.Id}, which the detector began, is approved by this order."),
        Phase.Deciding or Phase.Fencing or Phase.Promoting or Phase.Starting or Phase.Repointing or Phase.Verifying => Outcome(RunAnswer.Accepted, live.Id, $"Run {live.Id}, which the detector began, goes on."),
        _ => Outcome(RunAnswer.OtherRunLive, live.Id, $"Run {live.Id} is live; only one can be."),
    };

    public async Task<RunOutcome> DecideAsync(RunDecision decision)
    {
        if (store.State.Machine is not { } machine)
        {
            return new RunOutcome { Answer = RunAnswer.Unknown, Message = $"There is no system {Id}." };
        }

        if (machine.Run?.Id != decision.Run)
        {
            return await journal.ReadAsync(decision.Run, CancellationToken.None) is { } ended
                ? Outcome(RunAnswer.NotNow, ended.Id, $"Run {ended.Id} has ended: {ended.Outcome ?? ended.State.ToString()}.")
                : Outcome(RunAnswer.Unknown, null, $"There is no run {decision.Run} of {Id}.");
        }

        if (decision is { Verb: RunVerb.RollBack or RunVerb.Attest, Reason: null or "" })
        {
            return Outcome(RunAnswer.GuardsUnmet, decision.Run, $"{decision.Verb} needs a reason: it goes into the audit.", ["A reason in words."]);
        }

        var rollBack = new RunId($"{decision.Run}-rollback");
        SystemEvent order = decision.Verb switch
        {
            // A person who approves has seen the predicted loss, or that nobody knows it: it is on the page and in the run's facts.
            RunVerb.Approve when machine is { Phase: Phase.NeedsOperator, Run: not { Proof: not null, ClaimSent: false } } => new SystemEvent.Retry(decision.Actor, decision.Run),
            RunVerb.Approve => new SystemEvent.Approve(decision.Actor, decision.Run, machine.Run.Assessment is { Loss.Age: null } ? PredictedLoss.Anything : machine.Run.Assessment?.Loss.Age),
            RunVerb.Commit => new SystemEvent.Commit(decision.Actor, decision.Run),
            RunVerb.RollBack => new SystemEvent.RollBack(decision.Actor, rollBack, decision.Reason!),
            RunVerb.Decline => new SystemEvent.Decline(decision.Actor, decision.Run, decision.Until ?? time.GetUtcNow() + Budgets.Of(Phase.Held)),
            RunVerb.Retry => new SystemEvent.Retry(decision.Actor, decision.Run),
            RunVerb.Attest => new SystemEvent.Attest(decision.Actor, decision.Run, decision.Reason!),
            RunVerb.Stop => new SystemEvent.Abort(decision.Actor, decision.Run),
            _ => throw new InvariantException($"{decision.Verb} is not a verb of runs"),
        };
        return await OrderAsync(order, decision.Verb == RunVerb.RollBack ? rollBack : decision.Run, $"{decision.Verb} of run {decision.Run} is taken.");
    }

    public async Task<RunOutcome> OrderAsync(SystemOrder order)
    {
        if (store.State.Machine is not { } machine)
        {
            return new RunOutcome { Answer = RunAnswer.Unknown, Message = $"There is no system {Id}." };
        }

        var entry = await ledger.ReadAsync(Id, CancellationToken.None);
        var owner = entry?.Owner ?? machine.Owner;
        if (order.SeenEpoch is { } seen && seen != owner.Epoch)
        {
            return Outcome(RunAnswer.EpochMoved, null, $"The order is about epoch {seen}, but {Id} is at epoch {owner.Epoch} now.");
        }

        if (order.Verb == SystemVerb.Force)
        {
            return await ForceAsync(order, machine);
        }

        if (order is { Verb: SystemVerb.Hold, Until: null })
        {
            return Outcome(RunAnswer.GuardsUnmet, null, "A hold needs an end.", ["A time until which automation is held."]);
        }

        SystemEvent evt = order.Verb switch
        {
            SystemVerb.Hold => new SystemEvent.Hold(order.Actor, order.Until!.Value, order.Reason),
            SystemVerb.Release => new SystemEvent.Release(order.Actor),
            SystemVerb.ResolveDivergence => new SystemEvent.ResolveDivergence(order.Actor),
            SystemVerb.AcceptLedger => new SystemEvent.Accept(order.Actor, owner),
            _ => throw new InvariantException($"{order.Verb} is not a verb of systems"),
        };
        return await OrderAsync(evt, null, $"{order.Verb} of {Id} is taken.");
    }

    /// <summary>The first person's order starts the run, the second one's statement lets it act; the same person twice is one.</summary>
    private async Task<RunOutcome> ForceAsync(SystemOrder order, SystemState machine)
    {
        var statement = order.Statement is { Length: > 0 } said ? said : order.Reason;
        if (machine.Run is { Kind: RunPurpose.Failover, Claimed: false } live)
        {
            var now = time.GetUtcNow();
            var isRepeated = order.IdempotencyKey is not null && IdOf(ForceKey(order)) == live.Id;
            if (live.Attestation is { IsComplete: false } first && Attestation.IsSamePerson(first.First, order.Actor) && now - first.At <= Attestation.Valid && !isRepeated)
            {
                return Outcome(RunAnswer.GuardsUnmet, live.Id, $"{order.Actor} has stated it already; it takes another person to state the same within {Attestation.Valid.TotalMinutes:F0} minutes.", [Guards.SecondPerson.Name]);
            }

            var two = Guards.Completes(live, new SystemEvent.Attest(order.Actor, live.Id, statement), now);
            return await OrderAsync(new SystemEvent.Attest(order.Actor, live.Id, statement), live.Id, two ? $"Two people have attested: run {live.Id} goes on." : "Taken; a second person has to state the same.");
        }

        if (machine.Run is { } other)
        {
            return Outcome(RunAnswer.OtherRunLive, other.Id, $"Run {other.Id} is live; only one can be.");
        }

        var id = IdOf(ForceKey(order));
        return await OrderAsync(new SystemEvent.StartForce(order.Actor, id, order.Reason, statement), id, $"Run {id} waits for a second person's statement.");
    }

    private static StartRun ForceKey(SystemOrder order) => new() { Kind = RunKind.Failover, Actor = order.Actor, Reason = order.Reason, IdempotencyKey = order.IdempotencyKey };

    private async Task<RunOutcome> OrderAsync(SystemEvent order, RunId? run, string accepted)
    {
        var unmet = FailoverMachine.Unmet(store.State.Machine!, order, time.GetUtcNow());
        if (!await ApplyAsync(order))
        {
            return Outcome(RunAnswer.GuardsUnmet, run, $"{Id} is {store.State.Machine!.Phase}: this cannot be done now.", unmet);
        }

        await FlushNotesAsync();
        Pump();
        return Outcome(RunAnswer.Accepted, run, accepted);
    }

    private RunOutcome Outcome(RunAnswer answer, RunId? run, string message, IReadOnlyList<string>? unmet = null) =>
        new() { Answer = answer, Run = run, Message = message, UnmetGuards = unmet ?? [], Epoch = store.State.Machine!.Owner.Epoch };

    /// <summary>The same request gives the same run, also after a restart in between.</summary>
    private RunId IdOf(StartRun request)
    {
        var seed = request.IdempotencyKey ?? Guid.NewGuid().ToString("N");
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Id}|{request.Kind}|{seed}")));
        return new RunId($"{Id}-{request.Kind.ToString().ToLowerInvariant()}-{hash[..12]}");
    }
}
