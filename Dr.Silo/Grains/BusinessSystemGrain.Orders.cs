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
            return Outcome(RunAnswer.OtherRunLive, live.Id, $"Run {live.Id} is live; only one can be.");
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

        SystemEvent order = decision.Verb switch
        {
            // A person who approves has seen the predicted loss: it is on the page and in the run's facts.
            RunVerb.Approve when machine.Phase == Phase.NeedsOperator => new SystemEvent.Retry(decision.Actor, decision.Run),
            RunVerb.Approve => new SystemEvent.Approve(decision.Actor, decision.Run, machine.Run.Assessment?.Loss.Age),
            RunVerb.Commit => new SystemEvent.Commit(decision.Actor, decision.Run),
            _ => new SystemEvent.Abort(decision.Actor, decision.Run),
        };
        return await OrderAsync(order, decision.Run, $"{decision.Verb} of run {decision.Run} is taken.");
    }

    private async Task<RunOutcome> OrderAsync(SystemEvent order, RunId run, string accepted)
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
