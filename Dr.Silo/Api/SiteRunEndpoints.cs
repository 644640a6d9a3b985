using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Hosting;

namespace Dr.Silo.Api;

/// <summary><c>sites/{id}/run</c>: takeover and move of a whole site.</summary>
internal static class SiteRunEndpoints
{
    private const string Tag = "Sites";

    public static void MapSiteRuns(this RouteGroupBuilder api)
    {
        api.MapGet("/sites/{id}/run", async (string id, IGrainFactory grains, SiloPlan plan) =>
            plan.Sites.Contains(new SiteId(id)) && await grains.GetGrain<ISiteGrain>(id).GetRunAsync() is { } view ? TypedResults.Ok(view) : (IResult)ApiProblem.NotFound("run of site", id))
            .Shows<SiteRunView>("GetSiteRun", Tag, "The live run of the whole site, or the last one.", single: true);
        api.MapPost("/sites/{id}/run", StartAsync).Changes<SiteRunView>(
            "StartSiteRun", Tag, "Takes over (failover) or moves (move) everything that serves at the site, in waves; planOnly says what would happen, and what would not fit.", Role.Commander, StatusCodes.Status202Accepted, 404, 412);
        api.MapPost("/sites/{id}/run/stop", async (string id, SiteStopBody body, IGrainFactory grains, SiloPlan plan, HttpContext http) =>
        {
            var (actor, nobody) = Actors.Of(http, body.Actor);
            return nobody is not null ? nobody
                : plan.Sites.Contains(new SiteId(id)) && await grains.GetGrain<ISiteGrain>(id).StopRunAsync(actor) is { } view ? (IResult)TypedResults.Ok(view)
                : ApiProblem.NotFound("live run of site", id);
        })
        .Changes<SiteRunView>("StopSiteRun", Tag, "Starts no further systems; what has begun goes on.", Role.Operator, StatusCodes.Status200OK, 404);
    }

    private static async Task<IResult> StartAsync(string id, SiteRunBody body, IGrainFactory grains, SiloPlan plan, HttpContext http)
    {
        AuditFilter.About(http, id);
        var (actor, nobody) = Actors.Of(http, body.Actor);
        if ((nobody ?? Actors.RefusalOf(body.Reason)) is { } refusal)
        {
            return refusal;
        }

        if (!plan.Sites.Contains(new SiteId(id)))
        {
            return ApiProblem.NotFound("site", id);
        }

        if (!Enum.TryParse<RunKind>(body.Kind, ignoreCase: true, out var kind) || kind is not (RunKind.Failover or RunKind.Move))
        {
            return ApiProblem.BadRequest($"'{body.Kind}' is not a kind of run of a site.", "kind takes failover or move.", "failover may lose data; move loses nothing.");
        }

        var view = await grains.GetGrain<ISiteGrain>(id).StartRunAsync(
            new StartSiteRun { Kind = kind, Actor = actor, Reason = body.Reason!, WithoutUnfitting = body.WithoutUnfitting, PlanOnly = body.PlanOnly });
        return view.Refused.Count > 0
            ? ApiProblem.Refused(StatusCodes.Status412PreconditionFailed, $"Site {id} was not taken over.", string.Join(' ', view.Refused), "Make room, or send withoutUnfitting to leave behind what does not fit.")
            : body.PlanOnly ? TypedResults.Ok(view)
            : TypedResults.Accepted($"/api/v1/sites/{id}/run", view);
    }
}

/// <param name="Kind">failover or move.</param>
/// <param name="Actor">Only while no user exists: otherwise it is whoever is signed in.</param>
/// <param name="WithoutUnfitting">Go although some systems do not fit.</param>
/// <param name="PlanOnly">Only say what would happen.</param>
internal sealed record SiteRunBody(string? Kind, string? Actor, string? Reason, bool WithoutUnfitting = false, bool PlanOnly = false);

internal sealed record SiteStopBody(string? Actor);
