using System.Text;
using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Hosting;

namespace Dr.Silo.Api;

/// <summary><c>/healthz</c> says what is wrong; <c>/metrics</c> is Prometheus' text format 0.0.4.</summary>
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

        routes.MapGet("/metrics", MetricsAsync).Requires(Role.Viewer).ExcludeFromDescription();
    }

    private static async Task<IResult> HealthAsync(HttpContext http, HealthProbe probe)
    {
        var problems = await probe.ProblemsAsync(http.RequestAborted);
        return problems.Count == 0
            ? TypedResults.Ok(new HealthView("healthy", null))
            : TypedResults.Json(new HealthView("unhealthy", Caller.Of(http.User) is null ? null : problems), statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<IResult> MetricsAsync(SiloPlan plan, IGrainFactory grains)
    {
        var text = new StringBuilder();
        var systems = (await Task.WhenAll(plan.Systems.Select(s => grains.GetGrain<IBusinessSystemGrain>(s.Id.Value).GetAsync()))).OfType<SystemView>().ToList();
        var devices = await Task.WhenAll(plan.Devices.Keys.Select(d => grains.GetGrain<IDeviceGrain>(d.Value).GetAsync()));
        Family(text, "dr_system_epoch", "Ownership epoch of the business system.", systems.Select(s => (Label("system", s.Id.Value), (double)s.Epoch.Value)));
        Family(text, "dr_system_data_age_seconds", "How far the copy at the other site is behind.", systems.Where(s => s.DataAgeSeconds is not null).Select(s => (Label("system", s.Id.Value), s.DataAgeSeconds!.Value)));
        Family(text, "dr_system_points", "Points of the system's volume at its owner.", systems.Select(s => (Label("system", s.Id.Value), (double)s.Points)));
        Family(text, "dr_system_phase", "1 for the phase that the system is in.", systems.Select(s => ($"{Label("system", s.Id.Value)},{Label("phase", s.Phase)}", 1.0)));
        Family(text, "dr_device_alive", "1 while the device keeps its promises.", devices.Select(d => (Label("device", d.Id.Value), d.Presence == Presence.Alive ? 1.0 : 0)));
        Family(text, "dr_device_phi", "-log10 of the chance that calling the device dead now is a false alarm.", devices.Where(d => d.Phi is not null).Select(d => (Label("device", d.Id.Value), d.Phi!.Value)));
        return TypedResults.Text(text.ToString(), "text/plain; version=0.0.4");
    }

    private static string Label(string name, string value) =>
        $"{name}=\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"";

    private static void Family(StringBuilder text, string name, string help, IEnumerable<(string Labels, double Value)> values)
    {
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n");
        foreach (var (labels, value) in values)
        {
            text.Append(CultureInfo.InvariantCulture, $"{name}{{{labels}}} {value:R}\n");
        }
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
