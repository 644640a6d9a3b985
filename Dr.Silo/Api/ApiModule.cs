using System.Text.Json.Serialization;

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
        services.AddProblemDetails();
        services.AddExceptionHandler<ApiExceptionHandler>();
        services.AddOpenApi(options => options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Dr admin API";
            document.Info.Description = "Systems, volumes, devices, sites, runs, events and audit. Errors are problem details: what (title), why (detail), evidence, unmetGuards, nextActions.";
            return Task.CompletedTask;
        }));
        return services;
    }

    public static IEndpointRouteBuilder MapApi(this IEndpointRouteBuilder routes)
    {
        var api = routes.MapGroup("/api/v1");
        api.MapSystems();
        api.MapRuns();
        api.MapEvents();
        routes.MapHealth();
        routes.MapOpenApi();
        return routes;
    }
}
