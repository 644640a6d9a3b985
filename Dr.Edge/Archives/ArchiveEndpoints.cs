using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Archives.Restoring;
using Dr.Edge.Archives.Writing;
using Dr.Edge.Cli;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Transfers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Archives;

/// <summary>What of archives needs the running process: reading volumes, and making one.</summary>
internal static partial class ArchiveEndpoints
{
    public static void MapArchives(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/volumes/{name}/archive", Create);
        routes.MapPost("/archives/restore", Restore);
    }

    private static Task Create(string name, ArchiveRequest request, VolumeSet set, TransferGate gate, ILogger<VolumeSet> logger, HttpContext context) =>
        ControlRoutes.StreamAsync(context, logger, (progress, cancellationToken) =>
        {
            var volume = set.Get(name);
            using var pass = gate.Enter($"archive to {request.To}", cancellationToken);
            var now = set.Time.GetUtcNow();
            var (point, at) = PositionText.Resolve(volume, request.At, now);
            using var view = point is { } id ? volume.OpenView(id) : volume.OpenView(at);
            var result = ArchiveCreation.Run(view, point is { } found ? volume.GetPoint(found) : null, request, now, Report(progress, "archiving"), cancellationToken);
            LogCreated(logger, result.Name, result.Volume, result.Place, result.Parts, result.StoredBytes);
            return result;
        });

    private static Task Restore(ArchiveRestoreRequest request, VolumeSet set, TransferGate gate, ILogger<VolumeSet> logger, HttpContext context) =>
        ControlRoutes.StreamAsync(context, logger, (progress, cancellationToken) =>
        {
            using var pass = gate.Enter($"restore into {request.Volume}", cancellationToken);
            using var archive = ArchiveLocator.FindOne(request.From, request.Name);
            ArchiveRestore.RequireUsable(archive);
            using var target = new VolumeTarget(set, archive, request.Volume);
            var secret = request.Secret is null ? null : new ArchiveSecret(request.KeyKind, request.Secret);
            var result = ArchiveRestore.Run(archive, secret, target, request.Volume, request.Salvage, Report(progress, "restoring"), cancellationToken);
            LogRestored(logger, result.Archive, request.From, request.Volume, result.LostBytes);
            return result;
        });

    private static Action<long, long> Report(Action<ControlProgress> progress, string step) => (done, total) => progress(new ControlProgress { Step = step, DoneBytes = done, TotalBytes = total });

    [LoggerMessage(1180, LogLevel.Information, "Archive {Archive} of {Volume} written to {Place}: {PartCount} parts, {StoredBytes} bytes")]
    private static partial void LogCreated(ILogger logger, string archive, string volume, string place, int partCount, long storedBytes);

    [LoggerMessage(1181, LogLevel.Information, "Archive {Archive} in {Place} restored into {Volume}; {LostBytes} bytes of it were lost")]
    private static partial void LogRestored(ILogger logger, string archive, string place, string volume, long lostBytes);
}
