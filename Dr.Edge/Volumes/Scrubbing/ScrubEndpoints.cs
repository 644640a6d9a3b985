using Dr.Edge.Cli;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>Routes of scrubbing on the control socket. Without a name: every volume.</summary>
internal static class ScrubEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/scrub/{name?}", (string? name, VolumeSet set, Scrubber scrubber) => Answer(name, set, scrubber, _ => { }));
        routes.MapPost("/scrub/start/{name?}", (string? name, VolumeSet set, Scrubber scrubber) => Answer(name, set, scrubber, volume => scrubber.Start(volume)));
        routes.MapPost("/scrub/pause/{name?}", (string? name, VolumeSet set, Scrubber scrubber) => Answer(name, set, scrubber, volume => scrubber.Pause(volume)));
        routes.MapPost("/scrub/resume/{name?}", (string? name, VolumeSet set, Scrubber scrubber) => Answer(name, set, scrubber, volume => scrubber.Resume(volume)));
    }

    private static IResult Answer(string? name, VolumeSet set, Scrubber scrubber, Action<Volume> act)
    {
        IReadOnlyList<Volume> volumes = name is null ? set.Volumes : [set.Get(name)];
        foreach (var volume in volumes)
        {
            act(volume);
        }

        return Results.Json(volumes.Select(volume => ScrubStatus.Of(volume, scrubber)), ControlJson.Compact);
    }
}
