using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Hosting;

namespace Dr.Silo.Api;

/// <summary><c>volumes</c> with their copies and points, as the appliances report them.</summary>
internal static class VolumeEndpoints
{
    private const string Tag = "Volumes";
    private const int LabelMax = 200; // As the appliances take them.

    public static void MapVolumes(this RouteGroupBuilder api)
    {
        api.MapGet("/volumes", ListAsync).Shows<IReadOnlyList<VolumeView>>("ListVolumes", Tag, "Every protected volume with its copies and newest points. ?system= ?after= ?limit=1..500.");
        api.MapGet("/volumes/{name}", (string name, IGrainFactory grains, SiloPlan plan) => OneAsync(name, grains, plan, view => view))
            .Shows<VolumeView>("GetVolume", Tag, "One volume.", single: true);
        api.MapGet("/volumes/{name}/copies", (string name, IGrainFactory grains, SiloPlan plan) => OneAsync(name, grains, plan, view => view.Copies))
            .Shows<IReadOnlyList<CopyView>>("ListCopies", Tag, "The volume's copies with role, epoch, position, lag and mirrors.", single: true);
        api.MapGet("/volumes/{name}/points", (string name, IGrainFactory grains, SiloPlan plan) => OneAsync(name, grains, plan, view => view.NewestPoints))
            .Shows<IReadOnlyList<PointInfo>>("ListPoints", Tag, "The newest points that the appliances reported, newest first; all of them: dr-edge point list at the appliance.", single: true);
        api.MapPost("/volumes/{name}/points", TakeAsync)
            .Changes<PointAsked>("TakePoint", Tag, "Takes a point now at the owner; its result is an event of kind volume.point.", Role.Operator, StatusCodes.Status202Accepted, 404);
    }

    private static async Task<IResult> ListAsync(HttpContext http, string? system, string? after, int? limit, SiloPlan plan, IGrainFactory grains)
    {
        var size = Paging.Limit(limit);
        var keys = plan.Systems.Where(s => system is null || s.Id.Value == system).Select(s => s.Volume).OfType<string>()
            .Distinct(StringComparer.Ordinal).Where(v => string.CompareOrdinal(v, after) > 0).Order(StringComparer.Ordinal);
        var found = await Paging.ReadAsync(keys, size, v => grains.GetGrain<IVolumeGrain>(v).GetAsync(), _ => true);
        return TypedResults.Ok(Paging.Page(http, found, size, view => view.Name));
    }

    private static async Task<IResult> OneAsync<T>(string name, IGrainFactory grains, SiloPlan plan, Func<VolumeView, T> part) =>
        plan.Volumes.Contains(name, StringComparer.Ordinal) && await grains.GetGrain<IVolumeGrain>(name).GetAsync() is { } view ? TypedResults.Ok(part(view)) : ApiProblem.NotFound("volume", name);

    private static async Task<IResult> TakeAsync(string name, TakePointBody? body, IGrainFactory grains, SiloPlan plan)
    {
        if (body?.Label?.Length > LabelMax)
        {
            return ApiProblem.BadRequest("The label is too long.", $"It has {body.Label.Length} characters; {LabelMax} are taken.", "Shorten it.");
        }

        return plan.Volumes.Contains(name, StringComparer.Ordinal) && await grains.GetGrain<IVolumeGrain>(name).TakePointAsync(body?.Label) is { } command
            ? TypedResults.Accepted($"/api/v1/volumes/{name}/points", new PointAsked(command))
            : ApiProblem.NotFound("volume", name);
    }
}

/// <param name="Label">For people.</param>
internal sealed record TakePointBody(string? Label);

/// <param name="Command">Named by the event that has the result.</param>
internal sealed record PointAsked(CommandId Command);
