using Dr.Contracts.Cli;
using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Dr.Silo.Decisions.Alerts;

namespace Dr.Silo.Api;

/// <summary><c>alerts</c>: what is wrong, one per cause, with what is known to somebody or wanted by nobody.</summary>
internal static class AlertEndpoints
{
    private const string Tag = "Alerts";

    /// <summary>Longer than a long weekend is forgetting, not acknowledging.</summary>
    private static readonly TimeSpan AcknowledgeMax = TimeSpan.FromDays(7);

    private static readonly TimeSpan SilenceMax = TimeSpan.FromDays(30);

    public static void MapAlerts(this RouteGroupBuilder api)
    {
        var alerts = api.MapGroup("/alerts");
        alerts.MapGet("", ListAsync).Shows<IReadOnlyList<AlertView>>("ListAlerts", Tag, "What is wrong, worst first, one per cause with what it explains. ?level=warning|critical ?kind= ?subject= ?after= ?limit=1..500.");
        alerts.MapPost("/{id}/acknowledge", AcknowledgeAsync).Changes(
            "AcknowledgeAlert", Tag, "Says that somebody knows, for a time (for: a duration, at most 7d) and with a reason. It is told again when it gets worse or the time is over.", Role.Operator, StatusCodes.Status204NoContent, 404);
        alerts.MapGet("/silences", async (IGrainFactory grains) => TypedResults.Ok((await Grain(grains).GetAsync()).Silences))
            .Shows<IReadOnlyList<SilenceView>>("ListSilences", Tag, "What nobody wants to be told of, until when and why.");
        alerts.MapPost("/silences", SilenceAsync).Changes<SilenceMade>(
            "AddSilence", Tag, "Tells nobody of alerts of this kind, this subject or both, for a time (for: a duration, at most 30d) and with a reason; they are followed and shown all the same.", Role.Operator, StatusCodes.Status201Created);
        alerts.MapDelete("/silences/{id}", async (string id, IGrainFactory grains) => await Grain(grains).EndSilenceAsync(id) ? TypedResults.NoContent() : (IResult)ApiProblem.NotFound("silence", id))
            .Changes("EndSilence", Tag, "Ends a silence before its time.", Role.Operator, StatusCodes.Status204NoContent, 404);
    }

    private static async Task<IResult> ListAsync(HttpContext http, string? level, string? kind, string? subject, string? after, int? limit, IGrainFactory grains)
    {
        Severity? least = null;
        if (level is not null)
        {
            if (!Enum.TryParse<Severity>(level, ignoreCase: true, out var parsed) || parsed is not (Severity.Warning or Severity.Critical))
            {
                return ApiProblem.BadRequest($"'{level}' is not a level of alerts.", "level takes warning or critical.", "Mend the filter.");
            }

            least = parsed;
        }

        if (kind is not null && !IsKind(kind))
        {
            return NoKind(kind);
        }

        var size = Paging.Limit(limit);
        var found = (await Grain(grains).GetAsync()).Alerts
            .Where(a => (least is null || a.Level >= least) && (kind is null || kind.Equals(a.Kind, StringComparison.OrdinalIgnoreCase)) && (subject is null || a.Subject == subject)).ToList();
        var from = after is null ? 0 : found.FindIndex(a => a.Id == after) + 1;
        return TypedResults.Ok(Paging.Page(http, [.. found.Skip(from).Take(size + 1)], size, alert => alert.Id));
    }

    private static async Task<IResult> AcknowledgeAsync(string id, QuietBody body, HttpContext http, IGrainFactory grains, TimeProvider time)
    {
        var (order, refusal) = OrderOf(http, body.Actor, body.Reason, body.For, AcknowledgeMax, time);
        return refusal ?? (await Grain(grains).AcknowledgeAsync(id, order!) ? (IResult)TypedResults.NoContent() : ApiProblem.NotFound("alert", id));
    }

    private static async Task<IResult> SilenceAsync(SilenceBody body, HttpContext http, IGrainFactory grains, TimeProvider time)
    {
        AuditFilter.About(http, $"{body.Kind ?? "*"}/{body.Subject ?? "*"}");
        if (body.Kind is not null && !IsKind(body.Kind))
        {
            return NoKind(body.Kind);
        }

        if ((body.Kind is null && body.Subject is null) || body.Subject?.Length > ApiLimits.NameMax)
        {
            return ApiProblem.BadRequest("What is to be silent is missing.", "kind, subject or both say it; everything at once cannot be silenced.", "Send kind, or subject as the alert has it (system:ID, device:ID, site:ID).");
        }

        var (order, refusal) = OrderOf(http, body.Actor, body.Reason, body.For, SilenceMax, time);
        if (refusal is not null)
        {
            return refusal;
        }

        var id = await Grain(grains).SilenceAsync(body.Kind, body.Subject, order!);
        return TypedResults.Created($"/api/v1/alerts/silences/{id}", new SilenceMade(id, order!.Until));
    }

    private static (AlertOrder? Order, IResult? Refusal) OrderOf(HttpContext http, string? said, string? reason, string? length, TimeSpan most, TimeProvider time)
    {
        var (actor, nobody) = Actors.Of(http, said);
        if ((nobody ?? Actors.RefusalOf(reason)) is { } refusal)
        {
            return (null, refusal);
        }

        if (Durations.Parse(length, most, out var duration) is { } wrong)
        {
            return (null, wrong);
        }

        return (new AlertOrder { Actor = actor, Reason = reason!, Until = time.GetUtcNow() + duration }, null);
    }

    private static bool IsKind(string text) => Enum.TryParse<AlertKind>(text, ignoreCase: true, out var kind) && Enum.IsDefined(kind) && !char.IsDigit(text[0]);

    private static Microsoft.AspNetCore.Http.HttpResults.ProblemHttpResult NoKind(string text) => ApiProblem.BadRequest($"'{text}' is not a kind of alert.", $"kind takes one of {string.Join(", ", Enum.GetNames<AlertKind>())}.", "Mend it.");

    private static IAlertGrain Grain(IGrainFactory grains) => grains.GetGrain<IAlertGrain>(IAlertGrain.Key);
}

/// <param name="For">A duration such as <c>2h</c>: everything that is quiet has an end.</param>
internal sealed record QuietBody(string? Actor, string? Reason, string? For);

internal sealed record SilenceBody(string? Kind, string? Subject, string? Actor, string? Reason, string? For);

internal sealed record SilenceMade(string Id, DateTimeOffset Until);
