using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Hosting;

namespace Dr.Silo.Api;

/// <summary><c>systems</c>, <c>devices</c>, <c>sites</c>: what is, as the grains have it.</summary>
internal static class SystemEndpoints
{
    public static void MapSystems(this RouteGroupBuilder api)
    {
        api.MapGet("/systems", ListSystemsAsync).Shows<IReadOnlyList<SystemView>>(
            "ListSystems", "Systems", "Every business system: phase, epoch, owner, data age, points, conditions, live run. ?phase= ?site= (owner) ?class= ?after= ?limit=1..500.");
        api.MapGet("/systems/{id}", async (string id, IGrainFactory grains, SiloPlan plan) =>
            plan.Systems.Any(s => s.Id.Value == id) && await grains.GetGrain<IBusinessSystemGrain>(id).GetAsync() is { } view ? TypedResults.Ok(view) : (IResult)ApiProblem.NotFound("system", id))
            .Shows<SystemView>("GetSystem", "Systems", "One business system; its epoch is what If-Match of an order takes.", single: true);
        api.MapGet("/devices", ListDevicesAsync).Shows<IReadOnlyList<DeviceView>>(
            "ListDevices", "Devices", "Every device: presence, last beat, promise, open commands. ?site= ?role= ?presence= ?after= ?limit=1..500.");
        api.MapGet("/devices/{id}", async (string id, IGrainFactory grains, SiloPlan plan) =>
            plan.Devices.ContainsKey(new DeviceId(id)) ? TypedResults.Ok(await grains.GetGrain<IDeviceGrain>(id).GetAsync()) : (IResult)ApiProblem.NotFound("device", id))
            .Shows<DeviceView>("GetDevice", "Devices", "One device.", single: true);
        api.MapGet("/sites", async (SiloPlan plan, IGrainFactory grains) =>
            TypedResults.Ok(await Task.WhenAll(plan.Sites.Select(s => grains.GetGrain<ISiteGrain>(s.Value).GetAsync()))))
            .Shows<IReadOnlyList<SiteView>>("ListSites", "Sites", "Every site with its members and who of them is silent.");
        api.MapGet("/sites/{id}", async (string id, IGrainFactory grains, SiloPlan plan) =>
            plan.Sites.Contains(new SiteId(id)) ? TypedResults.Ok(await grains.GetGrain<ISiteGrain>(id).GetAsync()) : (IResult)ApiProblem.NotFound("site", id))
            .Shows<SiteView>("GetSite", "Sites", "One site.", single: true);
    }

    private static async Task<IResult> ListSystemsAsync(HttpContext http, string? phase, string? site, string? @class, string? after, int? limit, SiloPlan plan, IGrainFactory grains)
    {
        if (phase is not null && !Enum.TryParse<Phase>(phase, ignoreCase: true, out _))
        {
            return ApiProblem.BadRequest($"'{phase}' is not a phase.", $"phase takes one of {string.Join(", ", Enum.GetNames<Phase>())}.", "Mend the filter.");
        }

        if (@class is not null && !Enum.TryParse<TakeoverClass>(@class, ignoreCase: true, out _))
        {
            return ApiProblem.BadRequest($"'{@class}' is not a class.", "class takes T or R.", "Mend the filter.");
        }

        var size = Paging.Limit(limit);
        var keys = plan.Systems.Select(s => s.Id.Value).Where(id => string.CompareOrdinal(id, after) > 0).Order(StringComparer.Ordinal);
        var found = await Paging.ReadAsync(keys, size, id => grains.GetGrain<IBusinessSystemGrain>(id).GetAsync(), view =>
            (phase is null || phase.Equals(view.Phase, StringComparison.OrdinalIgnoreCase))
            && (site is null || view.Site.Value == site)
            && (@class is null || @class.Equals(view.Class.ToString(), StringComparison.OrdinalIgnoreCase)));
        return TypedResults.Ok(Paging.Page(http, found, size, view => view.Id.Value));
    }

    private static async Task<IResult> ListDevicesAsync(HttpContext http, string? site, string? role, string? presence, string? after, int? limit, SiloPlan plan, IGrainFactory grains)
    {
        Presence? wanted = null;
        if (presence is not null)
        {
            if (!Enum.TryParse<Presence>(presence, ignoreCase: true, out var parsed))
            {
                return ApiProblem.BadRequest($"'{presence}' is not a presence.", $"presence takes one of {string.Join(", ", Enum.GetNames<Presence>())}.", "Mend the filter.");
            }

            wanted = parsed;
        }

        var size = Paging.Limit(limit);
        var keys = plan.DevicesInOrder
            .Where(d => string.CompareOrdinal(d.Key.Value, after) > 0 && (site is null || d.Value.Site.Value == site) && (role is null || d.Value.Roles.Contains(role, StringComparer.Ordinal)))
            .Select(d => d.Key.Value);
        var found = await Paging.ReadAsync(keys, size, async id => (DeviceView?)await grains.GetGrain<IDeviceGrain>(id).GetAsync(), view => wanted is null || view.Presence == wanted);
        return TypedResults.Ok(Paging.Page(http, found, size, view => view.Id.Value));
    }
}
