using Dr.Edge.Cli;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dr.Edge.Replication.Line.Bandwidth;

/// <summary>What the bandwidth commands ask for, on the control socket.</summary>
internal static class BandwidthRoutes
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/bandwidth", (CopyService copies) => Json(List(copies)));
        routes.MapPatch("/bandwidth/{name}", async (string name, HttpRequest request, CopyService copies, CancellationToken cancellationToken) =>
        {
            var body = await request.ReadFromJsonAsync<SetBandwidthRequest>(ControlJson.Compact, cancellationToken) ?? throw new BadHttpRequestException("The request has no body.");
            copies.Bandwidth.Set(body.Apply(name, copies.Bandwidth.Get(name)));
            return Json(List(copies));
        });
        routes.MapDelete("/bandwidth/{name}", (string name, CopyService copies) =>
        {
            copies.ResetBandwidth(name);
            return Json(List(copies));
        });
    }

    private static BandwidthList List(CopyService copies) => new(
    [
        .. copies.Bandwidth.List().Select(view =>
        {
            var members = copies.Copies.Where(c => c.Settings.BandwidthClass == view.Class.Name).ToArray();
            static string NameOf(SourceCopy copy) => $"{copy.Volume.Name} -> {copy.Settings.Peer}";
            return new BandwidthItem(
                view.Class.Name,
                view.Class.Mbps,
                view.Class.Shared,
                view.IsSet ? "command" : "config",
                [.. members.Select(NameOf)],
                view.Waiting,
                [.. members.Where(c => c.Pace.IsFirst).Select(NameOf)],
                view.GrantedBytes,
                members.Sum(c => c.ToStatus().BytesPerSecond));
        }),
    ]);

    private static IResult Json(BandwidthList list) => Results.Json(list, ControlJson.Compact);
}
