using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Hosting;
using Dr.Silo.Storage;

namespace Dr.Silo.Api;

/// <summary><c>detector</c>: how well devices are watched, the evidence of its findings, and tests of it.</summary>
internal static class DetectorEndpoints
{
    private const string Tag = "Detector";
    private const int ListMax = 200;

    public static void MapDetector(this RouteGroupBuilder api)
    {
        api.MapGet("/detector", async (IGrainFactory grains) => TypedResults.Ok(await Fleet(grains).GetAsync()))
            .Shows<DetectorView>("GetDetector", Tag, "Per class: periods, deadlines, and what was measured of detection time, mistakes and accuracy; many silences at once with their cause.");
        api.MapGet("/detector/evidence", async (string? system, int? limit, EvidenceStore store, CancellationToken cancellationToken) =>
            TypedResults.Ok(await store.ListAsync(system, Math.Clamp(limit ?? 20, 1, ListMax), cancellationToken)))
            .Shows<IReadOnlyList<EvidenceBundle>>("ListEvidence", Tag, "Evidence bundles, newest first: who saw what, when, at each finding. ?system=ID ?limit=1..200.");
        api.MapGet("/detector/evidence/{id}", async (string id, EvidenceStore store, CancellationToken cancellationToken) =>
            await store.FindAsync(id, cancellationToken) is { } bundle ? TypedResults.Ok(bundle) : (IResult)ApiProblem.NotFound("evidence bundle", id))
            .Shows<EvidenceBundle>("GetEvidence", Tag, "One evidence bundle.", single: true);
        api.MapPost("/detector/tests", TestAsync)
            .Changes<DetectionTest>("TestDetector", Tag, "Synthetic kill of a device, or of the device that serves a system: measures how long a stop takes to be suspected. Ownership is not touched.", Role.Operator, StatusCodes.Status202Accepted, 404);
        api.MapGet("/detector/tests/{device}", async (string device, IGrainFactory grains, SiloPlan plan) =>
            plan.Devices.ContainsKey(new DeviceId(device)) && await grains.GetGrain<IDeviceGrain>(device).GetTestAsync() is { } test ? TypedResults.Ok(test) : (IResult)ApiProblem.NotFound("detector test", device))
            .Shows<DetectionTest>("GetDetectorTest", Tag, "The newest test of a device.", single: true);
    }

    private static async Task<IResult> TestAsync(HttpContext http, TestDetectorBody? body, IGrainFactory grains, SiloPlan plan)
    {
        var (actor, refusal) = Actors.Of(http, body?.Actor);
        if (refusal is not null)
        {
            return refusal;
        }

        var target = body?.Target ?? "";
        AuditFilter.About(http, target);
        var device = plan.Devices.ContainsKey(new DeviceId(target)) ? new DeviceId(target) : (DeviceId?)null;
        if (device is null && plan.Systems.FirstOrDefault(s => s.Id.Value == target) is { } system && await grains.GetGrain<IBusinessSystemGrain>(target).GetAsync() is { } view)
        {
            device = system.At(view.Site).Host;
        }

        return device is { } found
            ? TypedResults.Accepted($"/api/v1/detector/tests/{found}", await grains.GetGrain<IDeviceGrain>(found.Value).TestDetectionAsync(actor))
            : ApiProblem.NotFound("system or device", target);
    }

    private static IFleetGrain Fleet(IGrainFactory grains) => grains.GetGrain<IFleetGrain>(IFleetGrain.Key);
}

/// <param name="Target">A device, or a system whose serving device is meant.</param>
internal sealed record TestDetectorBody(string? Target, string? Actor);
