using Dr.Contracts.Grains;
using Dr.Contracts.Policy;
using Dr.Silo.Access;

namespace Dr.Silo.Api;

/// <summary><c>policies</c>: what protects each system, changed as a whole or not at all.</summary>
internal static class PolicyEndpoints
{
    private const string Tag = "Policies";

    public static void MapPolicies(this RouteGroupBuilder api)
    {
        api.MapGet("/policies", async (IGrainFactory grains) => TypedResults.Ok(await Book(grains).GetAsync()))
            .Shows<PolicyView>("GetPolicies", Tag, "Policies and calendars in force, their history, and per system what has reached it, its backups and its next drills.");
        api.MapGet("/policies/{version}", async (string version, IGrainFactory grains) =>
            long.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && await Book(grains).GetVersionAsync(number) is { } book
                ? TypedResults.Ok(book)
                : (IResult)ApiProblem.NotFound("policy version", version))
            .Shows<PolicyBook>("GetPolicyVersion", Tag, "An older version that is still kept.", single: true);
        api.MapPost("/policies/plan", (HttpContext http, PolicyBody body, IGrainFactory grains) => AskAsync(http, body, change => Book(grains).PlanAsync(change), refuses: false))
            .Changes<PolicyPlan>("PlanPolicies", Tag, "What a change would do and every reason against it; nothing is done.", Role.Operator, StatusCodes.Status200OK);
        api.MapPost("/policies", (HttpContext http, PolicyBody body, IGrainFactory grains) => AskAsync(http, body, change => Book(grains).ApplyAsync(change), refuses: true))
            .Changes<PolicyPlan>("ChangePolicies", Tag, "Changes policies and calendars, also by a table (backup-policies.csv). Takes effect without a restart; one that does not fit changes nothing.", Role.Admin, StatusCodes.Status200OK, 412, 422);
    }

    private static async Task<IResult> AskAsync(HttpContext http, PolicyBody body, Func<PolicyChange, Task<PolicyPlan>> ask, bool refuses)
    {
        var (actor, refusal) = Actors.Of(http, body.Actor);
        if ((refusal ?? Actors.RefusalOf(body.Reason)) is { } refused)
        {
            return refused;
        }

        AuditFilter.About(http, "policies");
        var plan = await ask(body.ToChange(actor));
        if (plan.IsAccepted || !refuses)
        {
            return TypedResults.Ok(plan);
        }

        var moved = body.Seen is { } seen && seen != plan.Seen;
        var problem = ApiProblem.Problem(
            moved ? StatusCodes.Status412PreconditionFailed : StatusCodes.Status422UnprocessableEntity,
            moved ? "The policies have changed since you looked." : "The policies do not fit together; nothing was changed.",
            string.Join(' ', plan.Reasons),
            ["Mend what is listed under unmetGuards, and look at POST /api/v1/policies/plan first."]);
        problem.Extensions["unmetGuards"] = plan.Reasons;
        return TypedResults.Problem(problem);
    }

    private static IPolicyGrain Book(IGrainFactory grains) => grains.GetGrain<IPolicyGrain>(IPolicyGrain.Key);
}

/// <summary>A <see cref="PolicyChange"/> as it is sent.</summary>
internal sealed record PolicyBody(
    string? Actor,
    string? Reason,
    long? Seen,
    IReadOnlyList<BackupPolicy>? Policies,
    IReadOnlyList<OpeningCalendar>? Calendars,
    string? Table,
    string? TableName,
    IReadOnlyList<string>? RemovePolicies,
    IReadOnlyList<string>? RemoveCalendars,
    bool Replace)
{
    public PolicyChange ToChange(string actor) => new()
    {
        Actor = actor,
        Reason = Reason!,
        Seen = Seen,
        Policies = Policies ?? [],
        Calendars = Calendars ?? [],
        Table = Table,
        TableName = TableName,
        RemovePolicies = RemovePolicies ?? [],
        RemoveCalendars = RemoveCalendars ?? [],
        Replace = Replace,
    };
}
