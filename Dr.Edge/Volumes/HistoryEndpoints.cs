using Dr.Edge.Cli;
using Dr.Edge.Host.Quiesce;
using Dr.Edge.Volumes.Groups;
using Dr.Edge.Volumes.Retention;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <summary>Routes of points, holds, policies and restore.</summary>
internal static class HistoryEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost("/volumes/{name}/policy", SetPolicy);
        routes.MapGet("/volumes/{name}/points", (string name, VolumeSet set) => Json(Summarize(set, set.Get(name))));
        routes.MapPost("/volumes/{name}/points", CreatePointAsync);
        routes.MapPost("/points/groups", CreateGroupAsync);
        routes.MapDelete("/volumes/{name}/points/{point}", DeletePoint);
        routes.MapPost("/volumes/{name}/points/{point}/hold", HoldPoint);
        routes.MapDelete("/volumes/{name}/points/{point}/hold", ReleasePoint);
        routes.MapPost("/volumes/{name}/restore", Restore);
    }

    internal static IReadOnlyList<HolderSummary> Holders(Volume volume) =>
        [.. volume.Holders.Select(holder => new HolderSummary(holder.Sequence, holder.Point, holder.Reason, holder.Since, holder.IsByHand))];

    private static IResult Json<T>(T value) => Results.Json(value, ControlJson.Compact);

    private static IResult SetPolicy(string name, PolicyTexts change, VolumeSet set)
    {
        var volume = set.Get(name);
        volume.SetPolicy(PolicyChange.Apply(volume.OwnPolicy, change));
        return Json(PolicyChange.Describe(volume.OwnPolicy, volume.Policy));
    }

    private static List<PointSummary> Summarize(VolumeSet set, Volume volume)
    {
        var holders = volume.Holders;
        return [.. volume.Points.Select(point => new PointSummary
        {
            Id = point.Id,
            At = point.At,
            Sequence = point.Sequence,
            Label = point.Label,
            Consistency = point.Consistency,
            Reason = point.Reason,
            Automatic = PointKinds.IsAutomatic(point),
            HeldBy = [.. holders.Where(h => h.IsByHand ? h.Point == point.Id : h.Sequence == point.Sequence).Select(h => $"{h.Reason} (since {h.Since:yyyy-MM-dd HH:mm}Z)").Distinct(StringComparer.Ordinal)],
            Group = PointGroup.Of(point) is { } group ? new GroupSummary(group.Id, group.VolumeCount, CountPresent(set, group)) : null,
        })];
    }

    private static int CountPresent(VolumeSet set, PointGroup group) => set.Volumes.Count(volume => volume.Points.Any(point => PointGroup.Of(point) == group));

    /// <summary>Asks the machine's quiesce provider first when it has one for this volume.</summary>
    private static async Task<IResult> CreatePointAsync(string name, CreatePointRequest request, VolumeSet set, IServiceProvider services, CancellationToken cancellationToken)
    {
        var volume = set.Get(name);
        var label = PointLabel.Check(request.Label);
        if (request.Claim is { } claim)
        {
            return Json(volume.CreatePoint(label, claim.IsApplication ? PointConsistency.Application : PointConsistency.Crash, claim.Reason));
        }

        if (services.GetService<IQuiesce>() is not { } quiesce)
        {
            return Json(volume.CreatePoint(label, PointConsistency.Crash, null));
        }

        await using var window = await quiesce.EnterAsync(name, cancellationToken);
        return Json(volume.CreatePoint(label, window, mark => mark));
    }

    /// <summary>All systems are quiet before the first point is taken, and each says at that instant what its own may claim.</summary>
    private static async Task<IResult> CreateGroupAsync(CreateGroupRequest request, VolumeSet set, IServiceProvider services, CancellationToken cancellationToken)
    {
        var names = request.Volumes.Distinct(StringComparer.Ordinal).ToList();
        if (names.Count is < PointGroup.MinVolumes or > PointGroup.MaxVolumes || names.Count != request.Volumes.Count)
        {
            throw new DrException($"A group has {PointGroup.MinVolumes} to {PointGroup.MaxVolumes} volumes, each once.", "Name the volumes one after the other: dr-edge point create VOLUME VOLUME …");
        }

        var label = PointLabel.Check(request.Label);
        var volumes = names.ConvertAll(set.Get);
        var windows = new List<IQuiesceWindow>();
        try
        {
            if (services.GetService<IQuiesce>() is { } quiesce)
            {
                foreach (var volume in volumes)
                {
                    windows.Add(await quiesce.EnterAsync(volume.Name, cancellationToken));
                }
            }

            var members = volumes.Select((volume, i) => new GroupMember(volume, windows.ElementAtOrDefault(i))).ToList();
            var points = Volume.CreateGroup(members, label);
            return Json(new CreateGroupResult(PointGroup.Of(points[0])!.Id, [.. points.Zip(names, (point, name) => new GroupPointResult(name, point))]));
        }
        finally
        {
            foreach (var window in windows)
            {
                await window.DisposeAsync();
            }
        }
    }

    private static IResult DeletePoint(string name, string point, bool? freeNow, VolumeSet set)
    {
        var (volume, id) = Find(set, name, point);

        // Whoever deletes points on a disk that is short wants the space, and not in a day.
        set.Space.Refresh();
        return volume.DeletePoint(id, giveUpMoments: freeNow is true || set.Space.IsShort) ? Json(new Deleted(id.Value)) : throw NoPoint(name, point);
    }

    private static IResult HoldPoint(string name, string point, HoldPointRequest request, VolumeSet set)
    {
        var (volume, id) = Find(set, name, point);
        var hold = volume.HoldPoint(id, request.Reason);
        return Json(new HolderSummary(volume.GetPoint(id).Sequence, id, hold.Reason ?? "", hold.Since, ByHand: true));
    }

    private static IResult ReleasePoint(string name, string point, VolumeSet set)
    {
        var (volume, id) = Find(set, name, point);
        return volume.ReleasePoint(id) ? Json(new Deleted(id.Value)) : throw new DrException($"Point {id} of {name} is not held by anybody's hand.", $"'dr-edge point list {name}' shows who holds what.");
    }

    private static (Volume Volume, PointId Point) Find(VolumeSet set, string name, string point)
    {
        var volume = set.Get(name);
        return PositionText.Resolve(volume, point, set.Time.GetUtcNow()).Point is { } id ? (volume, id) : throw NoPoint(name, point);
    }

    private static DrException NoPoint(string name, string point) => new($"Volume {name} has no point {point}.", $"'dr-edge point list {name}' shows those it has.");

    private static Task Restore(string name, RestoreRequest request, VolumeSet set, ILogger<VolumeSet> logger, HttpContext context) =>
        ControlRoutes.StreamAsync(context, logger, (progress, cancellationToken) =>
        {
            var volume = set.Get(name);
            var clients = set.LiveClients(volume);
            if (clients > 0 && request.IfDetached)
            {
                throw new DrException($"Volume {name} is attached by {clients} client(s).", "Unmount and detach it first, or leave --if-detached away.");
            }

            var (point, at) = Target(volume, request, set.Time.GetUtcNow());
            var before = volume.Restore(
                point,
                at,
                (done, total) => progress(new ControlProgress { Step = "restoring", DoneBytes = done * Format.StoreLimits.BlockBytes, TotalBytes = total * Format.StoreLimits.BlockBytes }),
                cancellationToken);
            return new RestoreResult(name, at, before, clients == 0 ? null : AttachedWarning(volume, clients));
        });

    internal static string AttachedWarning(Volume volume, int clients) =>
        $"{clients} client(s) have {volume.Name} attached: what they hold in memory is older or newer than the volume now. A file system that is mounted on it must be unmounted and checked before it is used.";

    private static (PointId? Point, DateTimeOffset At) Target(Volume volume, RestoreRequest request, DateTimeOffset now)
    {
        if (request.Undo)
        {
            return volume.UndoPoint is { } undo
                ? (undo.Id, undo.At)
                : throw new DrException($"Volume {volume.Name} has no restore to undo.", "The point that a restore takes first is gone, or there was none.");
        }

        return PositionText.Resolve(volume, request.At ?? throw new DrException("Restore to what?", "Name a point or a time with --at, or undo the last restore with --undo."), now);
    }
}
