using Dr.Silo.Access;

namespace Dr.Silo.Api;

/// <summary>What the OpenAPI document needs of every route, said in one place so that none is forgotten.</summary>
internal static class Described
{
    /// <summary>A GET that answers with <typeparamref name="T"/>.</summary>
    public static RouteHandlerBuilder Shows<T>(this RouteHandlerBuilder route, string name, string tag, string summary, Role role = Role.Viewer, bool single = false)
    {
        route.WithName(name).WithTags(tag).WithSummary(summary).Produces<T>().Produces(StatusCodes.Status304NotModified).Refuses(400, 401, 403, 503).Requires(role);
        return single ? route.Refuses(404) : route;
    }

    /// <summary>A route that changes something.</summary>
    public static RouteHandlerBuilder Changes<T>(this RouteHandlerBuilder route, string name, string tag, string summary, Role role, int status, params int[] refusals) =>
        route.WithName(name).WithTags(tag).WithSummary(summary).Produces<T>(status).Refuses([400, 401, 403, 503, .. refusals]).Requires(role);

    public static RouteHandlerBuilder Changes(this RouteHandlerBuilder route, string name, string tag, string summary, Role role, int status, params int[] refusals) =>
        route.WithName(name).WithTags(tag).WithSummary(summary).Produces(status).Refuses([400, 401, 403, 503, .. refusals]).Requires(role);

    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder route, params int[] statuses)
    {
        foreach (var status in statuses)
        {
            route.ProducesProblem(status);
        }

        return route;
    }
}
