using Dr.Contracts.Grains;
using Dr.Silo.Hosting;
using Dr.Silo.Storage;
using Microsoft.AspNetCore.Mvc;

namespace Dr.Silo.Api;

/// <summary><c>runs</c>: failover (may lose data), move and failback (lose nothing). The verbs are never mixed.</summary>
internal static class RunEndpoints
{
    private const int ListMax = 200;

    public static void MapRuns(this RouteGroupBuilder api)
    {
        var runs = api.MapGroup("/runs").WithTags("Runs");
        runs.MapGet("", ListAsync).WithName("ListRuns").WithSummary("The newest runs, newest first (?system=ID, ?limit=1..200).");
        runs.MapGet("/{id}", async (string id, IGrainFactory grains) =>
            Names.IsValid(id) && await grains.GetGrain<IRunGrain>(id).GetAsync() is { } view ? TypedResults.Ok(view) : (IResult)ApiProblem.NotFound("run", id))
            .WithName("GetRun").Produces<RunView>().ProducesProblem(StatusCodes.Status404NotFound);
        runs.MapPost("", StartAsync).WithName("StartRun")
            .WithSummary("Starts a run. If-Match: the epoch you saw; Idempotency-Key: the same key again gives the same run.")
            .Produces<RunView>(StatusCodes.Status202Accepted)
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status412PreconditionFailed).ProducesProblem(StatusCodes.Status423Locked);
        MapDecision(runs, "approve", RunVerb.Approve);
        MapDecision(runs, "commit", RunVerb.Commit);
        MapDecision(runs, "stop", RunVerb.Stop);
    }

    private static async Task<IResult> ListAsync(string? system, int? limit, RunJournal journal, CancellationToken cancellationToken) =>
        TypedResults.Ok(await journal.ListAsync(system is null ? null : new SystemId(system), Math.Clamp(limit ?? 50, 1, ListMax), cancellationToken));

    private static async Task<IResult> StartAsync(
        StartRunBody body,
        [FromHeader(Name = "If-Match")] string? ifMatch,
        [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey,
        SiloPlan plan,
        IGrainFactory grains)
    {
        if (!Enum.TryParse<RunKind>(body.Kind, ignoreCase: true, out var kind) || !Enum.IsDefined(kind))
        {
            return ApiProblem.BadRequest($"'{body.Kind}' is not a kind of run.", "kind takes failover, move or failback.", "failover may lose data; move and failback lose nothing.");
        }

        if (string.IsNullOrWhiteSpace(body.Actor) || string.IsNullOrWhiteSpace(body.Reason))
        {
            return ApiProblem.BadRequest("Who and why are missing.", "actor and reason go into the audit and must not be empty.", "Send both.");
        }

        Epoch? seen = null;
        if (ifMatch is not null)
        {
            if (!long.TryParse(ifMatch.Trim('"', ' '), NumberStyles.None, CultureInfo.InvariantCulture, out var epoch))
            {
                return ApiProblem.BadRequest("If-Match is not an epoch.", $"'{ifMatch}' is not a number.", "Send the epoch that the system showed when you decided.");
            }

            seen = new Epoch(epoch);
        }

        if (plan.Systems.All(s => s.Id.Value != body.System))
        {
            return ApiProblem.NotFound("system", body.System);
        }

        var grain = grains.GetGrain<IBusinessSystemGrain>(body.System);
        var outcome = await grain.StartRunAsync(new StartRun { Kind = kind, Actor = body.Actor, Reason = body.Reason, SeenEpoch = seen, IdempotencyKey = idempotencyKey });
        return await AnswerAsync(outcome, grain, grains);
    }

    private static void MapDecision(RouteGroupBuilder runs, string name, RunVerb verb) =>
        runs.MapPost($"/{{id}}/{name}", async (string id, DecisionBody body, IGrainFactory grains) =>
        {
            if (string.IsNullOrWhiteSpace(body.Actor))
            {
                return ApiProblem.BadRequest("Who is missing.", "actor goes into the audit and must not be empty.", "Send it.");
            }

            if (!Names.IsValid(id) || await grains.GetGrain<IRunGrain>(id).GetAsync() is not { } run)
            {
                return ApiProblem.NotFound("run", id);
            }

            var grain = grains.GetGrain<IBusinessSystemGrain>(run.System.Value);
            return await AnswerAsync(await grain.DecideAsync(new RunDecision { Run = run.Id, Verb = verb, Actor = body.Actor, Reason = body.Reason }), grain, grains);
        })
        .WithName($"{verb}Run")
        .Produces<RunView>(StatusCodes.Status202Accepted).ProducesProblem(StatusCodes.Status400BadRequest)
        .ProducesProblem(StatusCodes.Status404NotFound).ProducesProblem(StatusCodes.Status409Conflict).ProducesProblem(StatusCodes.Status412PreconditionFailed);

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

/// <param name="Kind">failover, move or failback.</param>
internal sealed record StartRunBody(string System, string Kind, string Actor, string Reason);

internal sealed record DecisionBody(string Actor, string? Reason);
