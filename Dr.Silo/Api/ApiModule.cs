using System.Text.Json.Serialization;
using Dr.Silo.Access;

namespace Dr.Silo.Api;

/// <summary>The admin API under <c>/api/v1</c>, described at <c>/openapi/v1.json</c>.</summary>
public static class ApiModule
{
    public static IServiceCollection AddApi(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.Converters.Add(new JsonStringEnumConverter());
            json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        });
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true); // So that a request that cannot be read is answered in words.
        services.AddProblemDetails();
        services.AddExceptionHandler<ApiExceptionHandler>();
        services.AddSingleton<HealthProbe>();
        services.AddOpenApi(options => options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Dr admin API";
            document.Info.Description =
                "Systems, volumes, devices, sites, runs, policies, alerts, events, audit, users, tokens and certificates. Errors are problem details: what (title), why (detail), evidence, unmetGuards, nextActions. "
                + "Callers send 'Authorization: Bearer TOKEN'; the roles are viewer, operator, commander and admin, each with the rights of those before it.";
            return Task.CompletedTask;
        }));
        return services;
    }

    public static IEndpointRouteBuilder MapApi(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/v1").AddEndpointFilter<AuditFilter>().AddEndpointFilter<EtagFilter>();
        api.MapSystems();
        api.MapVolumes();
        api.MapRuns();
        api.MapOrders();
        api.MapSiteRuns();
        api.MapEvents();
        api.MapAlerts();
        api.MapAccess();
        api.MapCertificates();
        api.MapPolicies();
        api.MapDetector();
        routes.MapHealth();
        routes.MapMetrics();
        routes.MapOpenApi().Requires(Role.Viewer);
        return routes;
    }
}
