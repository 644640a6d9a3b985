using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Hosting;
using Dr.Silo.Storage;
using Microsoft.AspNetCore.Mvc;

namespace Dr.Silo.Api;

/// <summary><c>runs</c>: failover (may lose data), move and failback (lose nothing), drill (changes no ownership). The verbs are never mixed.</summary>
internal static class RunEndpoints
{
    private const string Tag = "Runs";

    private static readonly TimeSpan HoldMax = TimeSpan.FromDays(7);

    public static void MapRuns(this RouteGroupBuilder api)
    {
        var runs = api.MapGroup("/runs");
        runs.MapGet("", ListAsync).Shows<IReadOnlyList<RunView>>("ListRuns", Tag, "Runs, newest first, with their steps. ?system= ?kind= ?state= ?live=true ?after=RUN ?limit=1..200.");
        runs.MapGet("/{id}", async (string id, IGrainFactory grains) =>
            Names.IsValid(id) && await grains.GetGrain<IRunGrain>(id).GetAsync() is { } view ? TypedResults.Ok(view) : (IResult)ApiProblem.NotFound("run", id))
            .Shows<RunView>("GetRun", Tag, "One run with its steps, evidence and facts.", single: true);
        runs.MapPost("", StartAsync).Changes<RunView>(
            "StartRun",
            Tag,
            "Starts a run of kind failover, move or failback (commander) or drill (operator). If-Match: the epoch you saw; Idempotency-Key: the same key again gives the same run.",
            Role.Operator,
            StatusCodes.Status202Accepted,
            404, 409, 412, 423, 428);
        MapDecision(runs, "approve", RunVerb.Approve, Role.Commander, "Lets a run go on that waits for a person, or tries again what stopped.");
        MapDecision(runs, "commit", RunVerb.Commit, Role.Commander, "Makes a takeover that is on trial final.");
        MapDecision(runs, "roll-back", RunVerb.RollBack, Role.Commander, "Gives up what was written on trial and returns to the old copy: a new run.");
        MapDecision(runs, "decline", RunVerb.Decline, Role.Commander, "Does not take over; automation is held for a time (for: a duration, at most 7d).");
        MapDecision(runs, "retry", RunVerb.Retry, Role.Commander, "Tries again the step that ran out of attempts.");
        MapDecision(runs, "stop", RunVerb.Stop, Role.Operator, "Stops a run while that is still safe.");
    }

    private static async Task<IResult> ListAsync(
        HttpContext http, string? system, string? kind, string? state, bool? live, string? after, int? limit, RunJournal journal, CancellationToken cancellationToken)
    {
        RunFilter filter = new() { System = system, Live = live == true, After = after };
        if (kind is not null)
        {
            if (!Enum.TryParse<RunKind>(kind, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed))
            {
                return ApiProblem.BadRequest($"'{kind}' is not a kind of run.", $"kind takes one of {string.Join(", ", Enum.GetNames<RunKind>())}.", "Mend the filter.");
            }

            filter = filter with { Kind = parsed };
        }

        if (state is not null)
        {
            if (!Enum.TryParse<RunState>(state, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed))
            {
                return ApiProblem.BadRequest($"'{state}' is not a state of a run.", $"state takes one of {string.Join(", ", Enum.GetNames<RunState>())}.", "Mend the filter.");
            }

            filter = filter with { State = parsed };
        }

        var size = limit is null ? 50 : Paging.Limit(limit, ApiLimits.RunPageMax);
        return TypedResults.Ok(Paging.Page(http, await journal.ListAsync(filter, size + 1, cancellationToken), size, run => run.Id.Value));
    }

    private static async Task<IResult> StartAsync(
        StartRunBody body,
        [FromHeader(Name = "If-Match")] string? ifMatch,
        [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey,
        SiloPlan plan,
        IGrainFactory grains,
        HttpContext http)
    {
        AuditFilter.About(http, body.System ?? "");
        if (KindOf(body.Kind) is not { } kind)
        {
            return ApiProblem.BadRequest(
                $"'{body.Kind}' is not a kind of run that is started.",
                "kind takes failover, move, failback or drill.",
                "failover may lose data; move and failback lose nothing; a drill changes no ownership. Taking over by force is POST /api/v1/systems/{id}/force.");
        }

        if (Actors.RefusalOf(http, kind == RunKind.Drill ? Role.Operator : Role.Commander) is { } forbidden)
        {
            return forbidden;
        }

        var (actor, nobody) = Actors.Of(http, body.Actor);
        if ((nobody ?? Actors.RefusalOf(body.Reason)) is { } refusal)
        {
            return refusal;
        }

        if (plan.Systems.All(s => s.Id.Value != body.System))
        {
            return ApiProblem.NotFound("system", body.System ?? "");
        }

        if ((SeenEpoch.Required(ifMatch, body.System, out var seen) ?? SeenEpoch.KeyRefusal(idempotencyKey)) is { } wrong)
        {
            return wrong;
        }

        var grain = grains.GetGrain<IBusinessSystemGrain>(body.System!);
        var outcome = await grain.StartRunAsync(new StartRun { Kind = kind, Actor = actor, Reason = body.Reason!, SeenEpoch = seen, IdempotencyKey = idempotencyKey });
        return await AnswerAsync(outcome, grain, grains);
    }

    // Those that a person starts; the others follow from decisions.
    private static RunKind? KindOf(string? text) => text?.ToLowerInvariant() switch
    {
        "failover" => RunKind.Failover,
        "move" => RunKind.Move,
        "failback" => RunKind.Failback,
        "drill" => RunKind.Drill,
        _ => null,
    };

    private static void MapDecision(RouteGroupBuilder runs, string name, RunVerb verb, Role role, string summary) =>
        runs.MapPost($"/{{id}}/{name}", async (string id, DecisionBody body, IGrainFactory grains, HttpContext http, TimeProvider time) =>
        {
            DateTimeOffset? until = null;
            if (body.For is not null || verb == RunVerb.Decline)
            {
                if (Durations.Parse(body.For, HoldMax, out var length) is { } wrong)
                {
                    return wrong;
                }

                until = time.GetUtcNow() + length;
            }

            var (actor, nobody) = Actors.Of(http, body.Actor);
            if ((nobody ?? Actors.RefusalOf(body.Reason, required: verb is RunVerb.RollBack or RunVerb.Decline)) is { } refusal)
            {
                return refusal;
            }

            if (!Names.IsValid(id) || await grains.GetGrain<IRunGrain>(id).GetAsync() is not { } run)
            {
                return ApiProblem.NotFound("run", id);
            }

            var grain = grains.GetGrain<IBusinessSystemGrain>(run.System.Value);
            return await AnswerAsync(await grain.DecideAsync(new RunDecision { Run = run.Id, Verb = verb, Actor = actor, Reason = body.Reason, Until = until }), grain, grains);
        })
        .Changes<RunView>($"{verb}Run", Tag, summary, role, StatusCodes.Status202Accepted, 404, 409, 412, 423);

    internal static async Task<IResult> AnswerAsync(RunOutcome outcome, IBusinessSystemGrain system, IGrainFactory grains)
    {
        if (outcome is not { Answer: RunAnswer.Accepted, Run: { } run })
        {
            return ApiProblem.From(outcome, await system.GetAsync());
        }

        return await grains.GetGrain<IRunGrain>(run.Value).GetAsync() is { } view
            ? TypedResults.Accepted($"/api/v1/runs/{run}", view)
            : TypedResults.Accepted($"/api/v1/runs/{run}", new { id = run });
    }
}

/// <param name="Kind">failover, move, failback or drill.</param>
/// <param name="Actor">Only while no user exists: otherwise it is whoever is signed in.</param>
internal sealed record StartRunBody(string? System, string? Kind, string? Actor, string? Reason);

/// <param name="For">With decline: how long automation is held, for example <c>2h</c>.</param>
internal sealed record DecisionBody(string? Actor, string? Reason, string? For = null);
