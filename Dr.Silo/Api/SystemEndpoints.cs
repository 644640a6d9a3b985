using Dr.Contracts.Grains;
using Dr.Silo.Hosting;

namespace Dr.Silo.Api;

/// <summary><c>systems</c>, <c>volumes</c>, <c>devices</c>, <c>sites</c>: what is, as the grains have it.</summary>
internal static class SystemEndpoints
{
    public static void MapSystems(this RouteGroupBuilder api)
    {
        api.MapGet("/systems", async (SiloPlan plan, IGrainFactory grains) =>
            TypedResults.Ok(await AllAsync(plan.Systems, s => grains.GetGrain<IBusinessSystemGrain>(s.Id.Value).GetAsync())))
            .WithName("ListSystems").WithTags("Systems").WithSummary("Every business system: phase, epoch, owner, data age, points, conditions, live run.");
        api.MapGet("/systems/{id}", async (string id, IGrainFactory grains, SiloPlan plan) =>
            plan.Systems.Any(s => s.Id.Value == id) && await grains.GetGrain<IBusinessSystemGrain>(id).GetAsync() is { } view ? TypedResults.Ok(view) : (IResult)ApiProblem.NotFound("system", id))
            .WithName("GetSystem").WithTags("Systems").Produces<SystemView>().ProducesProblem(StatusCodes.Status404NotFound);

        api.MapGet("/volumes", async (SiloPlan plan, IGrainFactory grains) =>
            TypedResults.Ok(await AllAsync(plan.Volumes, v => grains.GetGrain<IVolumeGrain>(v).GetAsync())))
            .WithName("ListVolumes").WithTags("Volumes").WithSummary("Every protected volume with its copies and newest points.");
        api.MapGet("/volumes/{name}", async (string name, IGrainFactory grains, SiloPlan plan) =>
            plan.Volumes.Contains(name, StringComparer.Ordinal) && await grains.GetGrain<IVolumeGrain>(name).GetAsync() is { } view ? TypedResults.Ok(view) : (IResult)ApiProblem.NotFound("volume", name))
            .WithName("GetVolume").WithTags("Volumes").Produces<VolumeView>().ProducesProblem(StatusCodes.Status404NotFound);
        api.MapPost("/volumes/{name}/points", async (string name, TakePointBody? body, IGrainFactory grains, SiloPlan plan) =>
            plan.Volumes.Contains(name, StringComparer.Ordinal) && await grains.GetGrain<IVolumeGrain>(name).TakePointAsync(body?.Label) is { } command
                ? TypedResults.Accepted($"/api/v1/volumes/{name}", new { command })
                : (IResult)ApiProblem.NotFound("volume", name))
            .WithName("TakePoint").WithTags("Volumes").Produces(StatusCodes.Status202Accepted).ProducesProblem(StatusCodes.Status404NotFound);

        api.MapGet("/devices", async (SiloPlan plan, IGrainFactory grains) =>
            TypedResults.Ok(await AllAsync(plan.Devices.Keys, async d => (DeviceView?)await grains.GetGrain<IDeviceGrain>(d.Value).GetAsync())))
            .WithName("ListDevices").WithTags("Devices").WithSummary("Every device: presence, last beat, promise, open commands.");
        api.MapGet("/devices/{id}", async (string id, IGrainFactory grains, SiloPlan plan) =>
            plan.Devices.ContainsKey(new DeviceId(id)) ? TypedResults.Ok(await grains.GetGrain<IDeviceGrain>(id).GetAsync()) : (IResult)ApiProblem.NotFound("device", id))
            .WithName("GetDevice").WithTags("Devices").Produces<DeviceView>().ProducesProblem(StatusCodes.Status404NotFound);

        api.MapGet("/sites", async (SiloPlan plan, IGrainFactory grains) =>
            TypedResults.Ok(await AllAsync(plan.Sites, async s => (SiteView?)await grains.GetGrain<ISiteGrain>(s.Value).GetAsync())))
            .WithName("ListSites").WithTags("Sites").WithSummary("Every site with its members and who of them is silent.");
        api.MapGet("/sites/{id}", async (string id, IGrainFactory grains, SiloPlan plan) =>
            plan.Sites.Contains(new SiteId(id)) ? TypedResults.Ok(await grains.GetGrain<ISiteGrain>(id).GetAsync()) : (IResult)ApiProblem.NotFound("site", id))
            .WithName("GetSite").WithTags("Sites").Produces<SiteView>().ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<IReadOnlyList<TView>> AllAsync<TKey, TView>(IEnumerable<TKey> keys, Func<TKey, Task<TView?>> get)
        where TView : class =>
        [.. (await Task.WhenAll(keys.Select(get))).OfType<TView>()];
}

/// <param name="Label">For people.</param>
internal sealed record TakePointBody(string? Label);
