using Dr.Edge.Cli;
using Dr.Edge.Volumes.Rebuilding;
using Dr.Edge.Volumes.Retention;
using Dr.Edge.Volumes.Scrubbing;
using Dr.Edge.Volumes.Transfers;
using Dr.Edge.Volumes.Space;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <summary>The store's routes on the control socket.</summary>
internal static class VolumeEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/volumes", (VolumeSet set) => Json(set.Volumes.Select(volume => Summarize(set, volume)).Concat(set.Damaged.Select(RebuildEndpoints.Summarize))));
        routes.MapPost("/volumes", (CreateVolumeRequest request, VolumeSet set) => Json(Summarize(set, set.Create(request.Name, request.SizeBytes, request.Policy is null ? null : PolicyChange.Apply(null, request.Policy)))));
        routes.MapGet("/volumes/{name}", (string name, VolumeSet set, SpaceKeeper space, Scrubber scrubber, CancellationToken cancellationToken) =>
            Json(Summarize(set, set.Get(name)) with { Space = SpaceEndpoints.Report(set.Get(name), space, cancellationToken), Scrub = ScrubStatus.Of(set.Get(name), scrubber) }));
        routes.MapDelete("/volumes/{name}", (string name, VolumeSet set) => Delete(set, name));
        routes.MapPost("/volumes/{name}/resize", (string name, ResizeVolumeRequest request, VolumeSet set) =>
        {
            var volume = set.Get(name);
            volume.Resize(request.SizeBytes);
            return Json(Summarize(set, volume));
        });
        routes.MapGet("/clones", (VolumeSet set) => Json(set.Volumes.Where(volume => volume.Origin is not null).Select(volume => Summarize(set, volume))));
        routes.MapPost("/clones", CreateClone);
        routes.MapDelete("/clones/{name}", (string name, VolumeSet set) => set.Get(name).Origin is null
            ? throw new DrException($"{name} is a volume and no clone.", $"'dr-edge volume delete {name}' deletes volumes.")
            : Delete(set, name));
        routes.MapPost("/volumes/{name}/verify", Verify);
        routes.MapPost("/volumes/{name}/import", Import);
        routes.MapPost("/volumes/{name}/export", Export);
    }

    internal static VolumeSummary Summarize(VolumeSet set, Volume volume) => new()
    {
        Name = volume.Name,
        Id = volume.Id,
        SizeBytes = volume.SizeBytes,
        Role = volume.Role,
        Epoch = volume.Epoch,
        Generation = volume.Generations.Count > 0 ? volume.Generations[^1].Generation : null,
        Appended = volume.Appended,
        Durable = volume.Durable,
        Writable = volume.Gate.IsOpen,
        Refuses = volume.Gate.WhyShut,
        Fault = volume.Fault,
        CurrentAsOf = volume.CurrentAsOf,
        Differs = volume.Differs,
        CreatedAt = volume.CreatedAt,
        HistoryBegins = volume.HistoryBegins,
        PointCount = volume.Points.Count,
        NewestPoint = volume.Points.Count > 0 ? volume.Points[^1] : null,
        HistoryAsOf = volume.HistoryAsOf,
        Policy = PolicyChange.Describe(volume.OwnPolicy, volume.Policy),
        Holders = HistoryEndpoints.Holders(volume),
        Restoring = volume.Restoring,
        LastRestore = volume.LastRestore,
        AllocatedBytes = volume.AllocatedBytes,
        MappedBytes = volume.MappedBlocks * Format.StoreLimits.BlockBytes,
        CloneOf = volume.Origin is { } origin ? set.Find(origin.Volume)?.Name ?? origin.Volume.Value : null,
        CloneAt = volume.Origin?.At,
        ClonePoint = volume.Origin?.Point,
    };

    private static IResult Json<T>(T value) => Results.Json(value, ControlJson.Compact);

    private static IResult Delete(VolumeSet set, string name)
    {
        set.Delete(name);
        return Json(new Deleted(name));
    }

    private static IResult CreateClone(CreateCloneRequest request, VolumeSet set)
    {
        var volume = set.Get(request.Volume);
        var (point, at) = PositionText.Resolve(volume, request.At, set.Time.GetUtcNow());
        return Json(Summarize(set, point is { } id ? set.CreateClone(volume, id, request.Name) : set.CreateClone(volume, at, request.Name)));
    }

    private static Task Verify(string name, VerifyRequest request, VolumeSet set, ILogger<VolumeSet> logger, HttpContext context) =>
        ControlRoutes.StreamAsync(context, logger, (progress, cancellationToken) =>
        {
            var volume = set.Get(name);
            var verifier = new Verifier(volume, (done, total) => progress(new ControlProgress { Step = "verifying", DoneBytes = done, TotalBytes = total }), cancellationToken);
            if (request.At is null)
            {
                return verifier.Run(null, null);
            }

            var (point, at) = PositionText.Resolve(volume, request.At, set.Time.GetUtcNow());
            return verifier.Run(point, at);
        });

    private static Task Import(string name, ImportRequest request, VolumeSet set, TransferGate gate, ILogger<VolumeSet> logger, HttpContext context) =>
        ControlRoutes.StreamAsync(context, logger, (progress, cancellationToken) =>
        {
            var volume = set.Get(name);
            using var pass = gate.Enter($"import into {name}", cancellationToken);
            var clients = set.LiveClients(volume);
            var result = ImageImport.Run(volume, request.File, (done, total) => progress(new ControlProgress { Step = "importing", DoneBytes = done, TotalBytes = total }), cancellationToken);
            return clients == 0 ? result : result with { Warning = HistoryEndpoints.AttachedWarning(volume, clients) };
        });

    private static Task Export(string name, ExportRequest request, VolumeSet set, TransferGate gate, ILogger<VolumeSet> logger, HttpContext context) =>
        ControlRoutes.StreamAsync(context, logger, (progress, cancellationToken) =>
        {
            // Without a position the export is the volume as it is now, which writers must not change half-way.
            var volume = set.Get(name);
            using var pass = gate.Enter($"export to {request.File}", cancellationToken);
            using var view = request.At is null ? volume.OpenNow() : Open(volume, request.At, set.Time.GetUtcNow());
            return ImageExport.Run(view, request.File, (done, total) => progress(new ControlProgress { Step = "exporting", DoneBytes = done, TotalBytes = total }), cancellationToken);
        });

    private static VolumeView Open(Volume volume, string position, DateTimeOffset now)
    {
        var (point, at) = PositionText.Resolve(volume, position, now);
        return point is { } id ? volume.OpenView(id) : volume.OpenView(at);
    }
}
