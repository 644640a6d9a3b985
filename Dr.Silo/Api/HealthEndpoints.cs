using Dr.Silo.Access;

namespace Dr.Silo.Api;

/// <summary><c>/healthz</c> says what is wrong.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        // Unsigned callers (load balancers, service managers) learn whether, and only signed-in ones why not.
        routes.MapGet("/healthz/live", () => TypedResults.Ok(new HealthView("alive", null))).AllowAnonymous()
            .WithName("Live").WithTags("Health").WithSummary("The process answers requests. Restart it when this does not.").Produces<HealthView>();
        foreach (var (path, name) in new[] { ("/healthz", "Health"), ("/healthz/ready", "Ready") })
        {
            routes.MapGet(path, HealthAsync).AllowAnonymous()
                .WithName(name).WithTags("Health").WithSummary("Database, grains and broker can be worked with; otherwise 503 and, for who is signed in, the reasons.")
                .Produces<HealthView>().Produces<HealthView>(StatusCodes.Status503ServiceUnavailable);
        }
    }

    private static async Task<IResult> HealthAsync(HttpContext http, HealthProbe probe)
    {
        var problems = await probe.ProblemsAsync(http.RequestAborted);
        return problems.Count == 0
            ? TypedResults.Ok(new HealthView("healthy", null))
            : TypedResults.Json(new HealthView("unhealthy", Caller.Of(http.User) is null ? null : problems), statusCode: StatusCodes.Status503ServiceUnavailable);
    }
}

/// <param name="Problems">One sentence each; null when there is none, or when nobody is signed in.</param>
internal sealed record HealthView(string Status, IReadOnlyList<string>? Problems);

/// <summary>A part that can say what is wrong with it right now.</summary>
internal interface IHealthSource
{
    /// <summary>One sentence per problem; empty when all is well. Must not block.</summary>
    IEnumerable<string> Problems();
}
