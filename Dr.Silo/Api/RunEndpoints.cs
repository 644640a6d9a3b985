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
                "failover may lose data; move and failback lose nothing; a drill changes no ownership. Taking over by force is POST /api/v1/runs/{id}/force.");
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

        if (ifMatch is null)
        {
            return ApiProblem.Refused(
                StatusCodes.Status428PreconditionRequired, "If-Match is missing.", "An order is about what was seen: without the epoch, a page that is out of date could start a second takeover.",
                $"GET /api/v1/systems/{body.System}, look, and send its epoch as If-Match.");
        }

        if (!long.TryParse(ifMatch.Trim('"', ' '), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch))
        {
            return ApiProblem.BadRequest("If-Match is not an epoch.", $"'{ifMatch}' is not a number.", "Send the epoch that the system showed when you decided.");
        }

        if (string.IsNullOrWhiteSpace(idempotencyKey) || idempotencyKey.Length > ApiLimits.IdempotencyKeyMax)
        {
            return ApiProblem.BadRequest(
                "Idempotency-Key is missing or too long.", $"Without a key (1 to {ApiLimits.IdempotencyKeyMax} characters) an order whose answer is lost could not be repeated safely.", "Send a fresh random key with each order, and the same one when you repeat it.");
        }

        var grain = grains.GetGrain<IBusinessSystemGrain>(body.System!);
        var outcome = await grain.StartRunAsync(new StartRun { Kind = kind, Actor = actor, Reason = body.Reason!, SeenEpoch = new Epoch(epoch), IdempotencyKey = idempotencyKey });
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
        runs.MapPost($"/{{id}}/{name}", async (string id, DecisionBody body, IGrainFactory grains, HttpContext http) =>
        {
            var (actor, nobody) = Actors.Of(http, body.Actor);
            if ((nobody ?? Actors.RefusalOf(body.Reason, required: false)) is { } refusal)
            {
                return refusal;
            }

            if (!Names.IsValid(id) || await grains.GetGrain<IRunGrain>(id).GetAsync() is not { } run)
            {
                return ApiProblem.NotFound("run", id);
            }

            var grain = grains.GetGrain<IBusinessSystemGrain>(run.System.Value);
            return await AnswerAsync(await grain.DecideAsync(new RunDecision { Run = run.Id, Verb = verb, Actor = actor, Reason = body.Reason }), grain, grains);
        })
        .Changes<RunView>($"{verb}Run", Tag, summary, role, StatusCodes.Status202Accepted, 404, 409, 412, 423);

    private static async Task<IResult> AnswerAsync(RunOutcome outcome, IBusinessSystemGrain system, IGrainFactory grains)
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

internal sealed record DecisionBody(string? Actor, string? Reason);
