using Dr.Edge.Cli;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Replication.Status;
using Dr.Edge.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication;

/// <summary>What the copy, promote and demote commands ask for, on the control socket.</summary>
internal static class ReplicationRoutes
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/replication/{volume}/copies", (string volume, VolumeSet volumes, CopyService copies) => Json(List(volumes.Get(volume), copies)));
        routes.MapPost("/replication/{volume}/copies", async (string volume, HttpRequest request, VolumeSet volumes, CopyService copies, CancellationToken cancellationToken) =>
        {
            var body = await ReadAsync<AddCopyRequest>(request, cancellationToken);
            await copies.AddAsync(volumes.Get(volume), body.Peer, body.Apply, cancellationToken);
            return Json(List(volumes.Get(volume), copies));
        });
        routes.MapPatch("/replication/{volume}/copies", async (string volume, HttpRequest request, VolumeSet volumes, CopyService copies, CancellationToken cancellationToken) =>
        {
            var body = await ReadAsync<SetCopyRequest>(request, cancellationToken);
            await copies.SetAsync(volumes.Get(volume), body.Peer, body.Apply, cancellationToken);
            return Json(List(volumes.Get(volume), copies));
        });
        routes.MapDelete("/replication/{volume}/copies", async (string volume, string peer, VolumeSet volumes, CopyService copies, CancellationToken cancellationToken) =>
        {
            if (!await copies.RemoveAsync(volumes.Get(volume), peer, cancellationToken))
            {
                throw new DrException($"'{volume}' has no copy at {peer}.", $"See 'dr-edge copy status {volume}'.");
            }

            return Json(new RemoveResult(true));
        });
        routes.MapPost("/replication/{volume}/sync", (string volume, string? peer, bool? first, VolumeSet volumes, CopyService copies, ILogger<CopyService> logger, HttpContext context) =>
            ControlRoutes.StreamAsync(context, logger, (progress, cancellationToken) =>
                new SyncResult(volume, SyncProgress.Wait(copies, volumes.Get(volume), peer, first ?? false, progress, cancellationToken).Value)));
        routes.MapPost("/replication/{volume}/promote", async (string volume, HttpRequest request, VolumeSet volumes, TimeProvider time, CancellationToken cancellationToken) =>
        {
            var body = await ReadAsync<EpochRequest>(request, cancellationToken);
            var copy = volumes.Get(volume);
            var mirror = Promotion.Run(copy, new Epoch(body.Epoch), body.IfWhole, time);
            return Json(ToResult(copy, null) with { Mirror = mirror });
        });
        routes.MapPost("/replication/{volume}/demote", async (string volume, HttpRequest request, VolumeSet volumes, CopyService copies, CancellationToken cancellationToken) =>
        {
            var body = await ReadAsync<EpochRequest>(request, cancellationToken);
            var copy = volumes.Get(volume);
            var (point, _) = await copies.DemoteAsync(copy, new Epoch(body.Epoch), cancellationToken);
            return Json(ToResult(copy, point));
        });
    }

    private static CopyList List(Volume volume, CopyService copies) => new(volume.Name, volume.Role, volume.Epoch.Value, [.. copies.Of(volume).Select(c => c.ToStatus())]);

    private static RoleResult ToResult(Volume volume, PointInfo? point) => new(
        volume.Name,
        volume.Role,
        volume.Epoch.Value,
        volume.Appended.Value,
        volume.Generations[^1].Generation.Value,
        point?.Id.Value,
        point is null ? null : Convert.ToHexStringLower(volume.ContentDigest(point.Id)));

    private static IResult Json<T>(T value) => Results.Json(value, ControlJson.Compact);

    private static async Task<T> ReadAsync<T>(HttpRequest request, CancellationToken cancellationToken) =>
        await request.ReadFromJsonAsync<T>(ControlJson.Compact, cancellationToken) ?? throw new BadHttpRequestException("The request has no body.");
}
