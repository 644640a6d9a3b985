using Dr.Contracts.Grains;
using Dr.Silo.Hosting;

namespace Dr.Silo.Api;

/// <summary><c>sites/{id}/run</c>: takeover and move of a whole site.</summary>
internal static class SiteRunEndpoints
{
    public static void MapSiteRuns(this RouteGroupBuilder api)
    {
        api.MapGet("/sites/{id}/run", async (string id, IGrainFactory grains, SiloPlan plan) =>
            plan.Sites.Contains(new SiteId(id)) && await grains.GetGrain<ISiteGrain>(id).GetRunAsync() is { } view ? TypedResults.Ok(view) : (IResult)ApiProblem.NotFound("run of site", id))
            .WithName("GetSiteRun").WithTags("Sites").WithSummary("The live run of the whole site, or the last one.").Produces<SiteRunView>().ProducesProblem(StatusCodes.Status404NotFound);
        api.MapPost("/sites/{id}/run", StartAsync)
            .WithName("StartSiteRun").WithTags("Sites").WithSummary("Takes over (failover) or moves (move) everything that serves at the site, in waves; planOnly says what would happen.")
            .Produces<SiteRunView>(StatusCodes.Status202Accepted).Produces<SiteRunView>()
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status404NotFound).Produces<SiteRunView>(StatusCodes.Status412PreconditionFailed);
        api.MapPost("/sites/{id}/run/stop", async (string id, SiteStopBody body, IGrainFactory grains, SiloPlan plan) =>
            plan.Sites.Contains(new SiteId(id)) && !string.IsNullOrWhiteSpace(body.Actor) && await grains.GetGrain<ISiteGrain>(id).StopRunAsync(body.Actor) is { } view
                ? TypedResults.Ok(view)
                : (IResult)ApiProblem.NotFound("live run of site", id))
            .WithName("StopSiteRun").WithTags("Sites").WithSummary("Starts no further systems; what has begun goes on.").Produces<SiteRunView>().ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<IResult> StartAsync(string id, SiteRunBody body, IGrainFactory grains, SiloPlan plan)
    {
        if (!plan.Sites.Contains(new SiteId(id)))
        {
            return ApiProblem.NotFound("site", id);
        }

        if (!Enum.TryParse<RunKind>(body.Kind, ignoreCase: true, out var kind) || kind is not (RunKind.Failover or RunKind.Move))
        {
            return ApiProblem.BadRequest($"'{body.Kind}' is not a kind of run of a site.", "kind takes failover or move.", "failover may lose data; move loses nothing.");
        }

        if (string.IsNullOrWhiteSpace(body.Actor) || string.IsNullOrWhiteSpace(body.Reason))
        {
            return ApiProblem.BadRequest("Who and why are missing.", "actor and reason go into the audit and must not be empty.", "Send both.");
        }

        var view = await grains.GetGrain<ISiteGrain>(id).StartRunAsync(
            new StartSiteRun { Kind = kind, Actor = body.Actor, Reason = body.Reason, WithoutUnfitting = body.WithoutUnfitting, PlanOnly = body.PlanOnly });
        return view.Refused.Count > 0 ? TypedResults.Json(view, statusCode: StatusCodes.Status412PreconditionFailed)
            : body.PlanOnly ? TypedResults.Ok(view)
            : TypedResults.Accepted($"/api/v1/sites/{id}/run", view);
    }
}

/// <param name="Kind">failover or move.</param>
/// <param name="WithoutUnfitting">Go although some systems do not fit.</param>
/// <param name="PlanOnly">Only say what would happen.</param>
internal sealed record SiteRunBody(string Kind, string Actor, string Reason, bool WithoutUnfitting = false, bool PlanOnly = false);

internal sealed record SiteStopBody(string Actor);
