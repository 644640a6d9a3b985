using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Hosting;
using Microsoft.AspNetCore.Mvc;

namespace Dr.Silo.Api;

/// <summary>Orders about a system itself: hold and release, and taking over by force, which is nobody's alone.</summary>
internal static class OrderEndpoints
{
    private const string Tag = "Systems";

    /// <summary>A hold that outlasts a week has been forgotten.</summary>
    private static readonly TimeSpan HoldMax = TimeSpan.FromDays(7);

    private static readonly int[] Refusals = [404, 409, 412, 423];

    public static void MapOrders(this RouteGroupBuilder api)
    {
        var system = api.MapGroup("/systems/{id}");
        system.MapPost("/hold", HoldAsync).Changes<SystemView>(
            "HoldSystem", Tag, "No automatic takeover for a time (for: a duration, at most 7d).", Role.Commander, StatusCodes.Status202Accepted, Refusals);
        system.MapPost("/release", (string id, OrderBody body, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, SiloPlan plan, IGrainFactory grains) => OrderAsync(id, SystemVerb.Release, body, ifMatch, http, plan, grains))
            .Changes<SystemView>("ReleaseSystem", Tag, "Ends a hold before its time.", Role.Commander, StatusCodes.Status202Accepted, Refusals);
        system.MapPost("/resolve", (string id, OrderBody body, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, SiloPlan plan, IGrainFactory grains) => OrderAsync(id, SystemVerb.ResolveDivergence, body, ifMatch, http, plan, grains))
            .Changes<SystemView>("ResolveDivergence", Tag, "The copy that does not hold the present epoch gives way; what only it has is kept as a clone.", Role.Commander, StatusCodes.Status202Accepted, Refusals);
        system.MapPost("/accept", (string id, OrderBody body, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, SiloPlan plan, IGrainFactory grains) => OrderAsync(id, SystemVerb.AcceptLedger, body, ifMatch, http, plan, grains))
            .Changes<SystemView>("AcceptLedger", Tag, "Believes the ownership record where it moved without this control plane, and goes on from there.", Role.Commander, StatusCodes.Status202Accepted, Refusals);
        system.MapPost("/force", ForceAsync).Changes<RunView>(
            "ForceTakeover",
            Tag,
            "Takes over by force, without proof that the old side cannot write. Two commanders, each signed in as themselves, state within 15 minutes of each other that it is off and how they know. If-Match: the epoch you saw; Idempotency-Key.",
            Role.Commander,
            StatusCodes.Status202Accepted,
            [.. Refusals, 428]);
    }

    private static async Task<IResult> HoldAsync(string id, HoldBody body, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, SiloPlan plan, IGrainFactory grains, TimeProvider time) =>
        Durations.Parse(body.For, HoldMax, out var length) is { } wrong
            ? wrong
            : await OrderAsync(id, SystemVerb.Hold, new OrderBody(body.Actor, body.Reason), ifMatch, http, plan, grains, time.GetUtcNow() + length);

    private static async Task<IResult> OrderAsync(
        string id, SystemVerb verb, OrderBody body, string? ifMatch, HttpContext http, SiloPlan plan, IGrainFactory grains, DateTimeOffset? until = null)
    {
        var (actor, nobody) = Actors.Of(http, body.Actor);
        if ((nobody ?? Actors.RefusalOf(body.Reason)) is { } refusal)
        {
            return refusal;
        }

        if (plan.Systems.All(s => s.Id.Value != id))
        {
            return ApiProblem.NotFound("system", id);
        }

        if (SeenEpoch.Parse(ifMatch, out var seen) is { } wrong)
        {
            return wrong;
        }

        var grain = grains.GetGrain<IBusinessSystemGrain>(id);
        var outcome = await grain.OrderAsync(new SystemOrder { Verb = verb, Actor = actor, Reason = body.Reason!, Until = until, SeenEpoch = seen });
        var view = await grain.GetAsync();
        return outcome.Answer == RunAnswer.Accepted ? TypedResults.Accepted($"/api/v1/systems/{id}", view) : ApiProblem.From(outcome, view);
    }

    private static async Task<IResult> ForceAsync(
        string id, ForceBody body, [FromHeader(Name = "If-Match")] string? ifMatch, [FromHeader(Name = "Idempotency-Key")] string? key, HttpContext http, SiloPlan plan, IGrainFactory grains)
    {
        if (Caller.Of(http.User) is not { Kind: CallerKind.Session or CallerKind.Token or CallerKind.Issuer })
        {
            return ApiProblem.Refused(
                StatusCodes.Status403Forbidden, "Force takes two people who can be told apart.", "While nobody has to sign in, anybody could be both of them.", "Make users (dr-silo users first NAME), and let two commanders order it, each signed in as themselves.");
        }

        var (actor, nobody) = Actors.Of(http, null);
        if ((nobody ?? Actors.RefusalOf(body.Reason) ?? Actors.RefusalOf(body.Statement)) is { } refusal)
        {
            return refusal;
        }

        if (plan.Systems.All(s => s.Id.Value != id))
        {
            return ApiProblem.NotFound("system", id);
        }

        if ((SeenEpoch.Required(ifMatch, id, out var seen) ?? SeenEpoch.KeyRefusal(key)) is { } wrong)
        {
            return wrong;
        }

        var grain = grains.GetGrain<IBusinessSystemGrain>(id);
        return await RunEndpoints.AnswerAsync(
            await grain.OrderAsync(new SystemOrder { Verb = SystemVerb.Force, Actor = actor, Reason = body.Reason!, Statement = body.Statement, SeenEpoch = seen, IdempotencyKey = key }), grain, grains);
    }
}

internal sealed record OrderBody(string? Actor, string? Reason);

/// <param name="For">A duration such as <c>2h</c>: every hold has an end.</param>
internal sealed record HoldBody(string? Actor, string? Reason, string? For);

/// <param name="Statement">What the signed-in person states: the old side is off, and how that is known.</param>
internal sealed record ForceBody(string? Reason, string? Statement);
