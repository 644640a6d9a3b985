using Dr.Silo.WebConsole.Components;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Dr.Silo.WebConsole;

/// <summary>
/// The operators' page at <c>/</c>. Every state of it is made on the server from one reading; the browser fetches that part again, at once when the event
/// stream says that something happened and at a steady pace besides, so that neither a lost stream nor a restarted silo leaves an old picture standing.
/// </summary>
public static class ConsoleModule
{
    // Own files and own requests only: what a device reports is text on this page and nothing else.
    private const string ContentSecurityPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

    public static IServiceCollection AddConsole(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IConsoleData, GrainConsoleData>();
        services.AddSingleton<SharedSnapshot>();
        return services;
    }

    public static IEndpointRouteBuilder MapConsole(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/", (SharedSnapshot shared, HttpContext http, CancellationToken cancellationToken) =>
            ShowAsync<ConsolePage>(shared, http, new Dictionary<string, object?> { ["Visitor"] = Visitor.Of(http) }, cancellationToken)).ExcludeFromDescription();
        routes.MapGet("/console/live", (SharedSnapshot shared, HttpContext http, CancellationToken cancellationToken) => ShowAsync<LiveBody>(shared, http, [], cancellationToken)).ExcludeFromDescription();
        routes.MapGet($"{ConsoleAssets.Path}/{{build}}/{{name}}", Asset).AllowAnonymous().ExcludeFromDescription();
        return routes;
    }

    /// <summary>The page that signs in; open to anybody.</summary>
    public static IEndpointRouteBuilder MapSignIn(this IEndpointRouteBuilder routes, Func<CancellationToken, Task<bool>> hasUsers)
    {
        routes.MapGet("/sign-in", async (HttpContext http, CancellationToken cancellationToken) =>
            await RenderAsync<SignInPage>(http, new Dictionary<string, object?> { ["First"] = !await hasUsers(cancellationToken) })).AllowAnonymous().ExcludeFromDescription();
        return routes;
    }

    private static async Task<ContentHttpResult> ShowAsync<TComponent>(SharedSnapshot shared, HttpContext http, Dictionary<string, object?> parameters, CancellationToken cancellationToken)
        where TComponent : IComponent
    {
        parameters["Snapshot"] = await shared.ReadAsync(cancellationToken);
        return await RenderAsync<TComponent>(http, parameters);
    }

    // By the renderer itself and not by AddRazorComponents: that brings forgery tokens along, whose keys are written to the user's home.
    private static async Task<ContentHttpResult> RenderAsync<TComponent>(HttpContext http, Dictionary<string, object?> parameters)
        where TComponent : IComponent
    {
        var headers = http.Response.Headers;
        headers.CacheControl = "no-store";
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        await using var renderer = new HtmlRenderer(http.RequestServices, http.RequestServices.GetRequiredService<ILoggerFactory>());
        return await renderer.Dispatcher.InvokeAsync(async () =>
            TypedResults.Content((await renderer.RenderComponentAsync<TComponent>(ParameterView.FromDictionary(parameters))).ToHtmlString(), "text/html; charset=utf-8"));
    }

    private static Results<FileContentHttpResult, NotFound> Asset(string build, string name, HttpContext http)
    {
        if (!ConsoleAssets.All.TryGetValue(name, out var asset))
        {
            return TypedResults.NotFound();
        }

        // An address of another build gets today's file, but nobody is to keep it under that name.
        http.Response.Headers.CacheControl = build == ConsoleAssets.Build ? "public, max-age=31536000, immutable" : "no-store";
        http.Response.Headers.XContentTypeOptions = "nosniff";
        return TypedResults.Bytes(asset.Content.ToArray(), asset.ContentType);
    }
}
