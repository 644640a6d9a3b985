using Dr.Edge.Cli;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes.Rebuilding;

/// <summary>The route of <c>volume rebuild</c>, and how a volume that cannot be opened looks in lists.</summary>
internal static class RebuildEndpoints
{
    public static void Map(IEndpointRouteBuilder routes) => routes.MapPost("/volumes/{name}/rebuild", Rebuild);

    /// <summary>Only name, place and reason are known.</summary>
    public static VolumeSummary Summarize(DamagedVolume damaged) => new()
    {
        Name = damaged.Name,
        Id = new VolumeId(Guid.TryParseExact(Path.GetFileName(damaged.Path), "N", out var id) ? id : Guid.Empty),
        SizeBytes = 0,
        Role = VolumeRole.Demoted,
        Epoch = Epoch.None,
        Appended = SequenceNumber.Zero,
        Durable = SequenceNumber.Zero,
        Writable = false,
        Refuses = "it is damaged",
        Fault = $"damaged, and left as it is: {damaged.Reason} ('dr-edge volume rebuild {damaged.Name}' says what can be made of it)",
        CreatedAt = default,
        HistoryBegins = default,
        PointCount = 0,
        AllocatedBytes = 0,
        MappedBytes = 0,
    };

    private static Task Rebuild(string name, RebuildRequest request, VolumeSet set, ILogger<VolumeSet> logger, HttpContext context) =>
        ControlRoutes.StreamAsync(context, logger, (progress, cancellationToken) => set.Rebuild(
            name,
            request.Name,
            request.NotAClone,
            request.Apply,
            (done, total) => progress(new ControlProgress { Step = "reading", DoneBytes = done, TotalBytes = total }),
            cancellationToken));
}
