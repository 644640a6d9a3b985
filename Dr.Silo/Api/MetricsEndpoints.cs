using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Alerts;
using Dr.Silo.Hosting;

namespace Dr.Silo.Api;

/// <summary><c>/metrics</c>; every family is in <c>metrics.md</c>.</summary>
internal static class MetricsEndpoints
{
    public static void MapMetrics(this IEndpointRouteBuilder routes) => routes.MapGet("/metrics", ServeAsync).Requires(Role.Viewer).ExcludeFromDescription();

    private static async Task<IResult> ServeAsync(SiloPlan plan, IGrainFactory grains, AlertStore store, HealthProbe health, CancellationToken cancellationToken)
    {
        var systems = (await Task.WhenAll(plan.Systems.Select(s => grains.GetGrain<IBusinessSystemGrain>(s.Id.Value).GetAsync()))).OfType<SystemView>().ToList();
        var devices = await Task.WhenAll(plan.Devices.Keys.Select(d => grains.GetGrain<IDeviceGrain>(d.Value).GetAsync()));
        var sites = await Task.WhenAll(plan.Sites.Select(s => grains.GetGrain<ISiteGrain>(s.Value).GetAsync()));
        var alerts = (await grains.GetGrain<IAlertGrain>(IAlertGrain.Key).GetAsync()).Alerts;
        var (waiting, givenUp) = await store.CountAsync(cancellationToken);
        var problems = await health.ProblemsAsync(cancellationToken);
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        var classes = (await grains.GetGrain<IFleetGrain>(IFleetGrain.Key).GetAsync()).Classes;
        IEnumerable<(string[], double)> Measured(Func<DetectorClassView, double?> value) => classes.Where(c => value(c) is not null).Select(c => (Of(c.Class), value(c)!.Value));
        var text = new MetricsText()
            .Add(MetricFamilies.SystemEpoch, systems.Select(s => (Of(s.Id.Value), (double)s.Epoch.Value)))
            .Add(MetricFamilies.SystemDataAge, systems.Where(s => s.DataAgeSeconds is not null).Select(s => (Of(s.Id.Value), s.DataAgeSeconds!.Value)))
            .Add(MetricFamilies.SystemLossLimit, systems.Where(s => s.LossLimitSeconds is not null).Select(s => (Of(s.Id.Value), s.LossLimitSeconds!.Value)))
            .Add(MetricFamilies.SystemPoints, systems.Select(s => (Of(s.Id.Value), (double)s.Points)))
            .Add(MetricFamilies.SystemPhase, systems.Select(s => (Of(s.Id.Value, s.Phase), 1.0)))
            .Add(MetricFamilies.SystemCondition, systems.SelectMany(s => s.Conditions.Where(c => c.Holds is not null).Select(c => (Of(s.Id.Value, c.Kind), c.Holds == true ? 1.0 : 0))))
            .Add(MetricFamilies.SystemForecast, systems.Where(s => s.ForecastSeconds is not null).Select(s => (Of(s.Id.Value), s.ForecastSeconds!.Value)))
            .Add(MetricFamilies.RunLive, systems.Where(s => s.LiveRun is not null).Select(s => (Of(s.Id.Value, s.LiveRun!.Kind.ToString(), s.LiveRun.State.ToString()), 1.0)))
            .Add(MetricFamilies.DeviceAlive, devices.Select(d => (Of(d.Id.Value), d.Presence == Presence.Alive ? 1.0 : 0)))
            .Add(MetricFamilies.DevicePhi, devices.Where(d => d.Phi is not null).Select(d => (Of(d.Id.Value), d.Phi!.Value)))
            .Add(MetricFamilies.DeviceCommands, devices.Select(d => (Of(d.Id.Value), (double)d.OpenCommands.Count)))
            .Add(MetricFamilies.DetectorFollowed, Measured(c => c.FollowedHours))
            .Add(MetricFamilies.DetectorMistakes, Measured(c => c.Mistakes))
            .Add(MetricFamilies.DetectorMistakeSeconds, Measured(c => c.MistakeSeconds))
            .Add(MetricFamilies.DetectorBetween, Measured(c => c.HoursBetweenMistakes))
            .Add(MetricFamilies.DetectorAccuracy, Measured(c => c.Accuracy))
            .Add(MetricFamilies.DetectorSeconds, Measured(c => c.DetectionP95Seconds))
            .Add(MetricFamilies.SiteSilent, sites.Select(s => (Of(s.Id.Value), (double)s.Silent.Count)))
            .Add(MetricFamilies.SiteMass, sites.Select(s => (Of(s.Id.Value), s.MassSuspicion ? 1.0 : 0)))
            .Add(MetricFamilies.Alert, alerts.Select(a => (Of(a.Kind, a.Subject, a.Level.ToString().ToLowerInvariant()), 1.0)))
            .Add(MetricFamilies.NoticesWaiting, waiting)
            .Add(MetricFamilies.NoticesGivenUp, givenUp)
            .Add(MetricFamilies.Healthy, problems.Count == 0 ? 1 : 0)
            .Add(MetricFamilies.ProcessorSeconds, process.TotalProcessorTime.TotalSeconds)
            .Add(MetricFamilies.WorkingSet, process.WorkingSet64);
        return TypedResults.Text(text.ToString(), "text/plain; version=0.0.4");
    }

    private static string[] Of(params string[] labels) => labels;
}
