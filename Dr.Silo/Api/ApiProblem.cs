using Dr.Contracts.Grains;
using Dr.Silo.Access;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;

namespace Dr.Silo.Api;

/// <summary>Problem details of the admin API: what (title), why (detail), evidence and what can be done.</summary>
internal static class ApiProblem
{
    public static ProblemHttpResult NotFound(string kind, string id) => Make(
        StatusCodes.Status404NotFound, $"There is no {kind} '{id}'.", "It is not in the configuration, or its name is misspelt.", [$"GET /api/v1/{kind}s lists every {kind}."]);

    public static ProblemHttpResult BadRequest(string title, string why, params string[] next) => Make(StatusCodes.Status400BadRequest, title, why, next);

    /// <summary>The outcome of an order that was not accepted.</summary>
    public static ProblemHttpResult From(RunOutcome outcome, SystemView? system)
    {
        var (status, title, next) = outcome.Answer switch
        {
            RunAnswer.Unknown => (StatusCodes.Status404NotFound, "There is no such system or run.", "GET /api/v1/systems and /api/v1/runs list what there is."),
            RunAnswer.OtherRunLive => (StatusCodes.Status409Conflict, "Another run is live.", $"Look at run {outcome.Run}, and stop it first if it is the wrong one."),
            RunAnswer.EpochMoved => (StatusCodes.Status412PreconditionFailed, "Ownership has moved since you looked.", $"Reload, look again and decide again with If-Match: {outcome.Epoch}."),
            RunAnswer.NotNow or RunAnswer.GuardsUnmet when system?.Phase == nameof(Phase.Held) => (StatusCodes.Status423Locked, "The system is held.", "Release the hold, or wait for its end."),
            RunAnswer.GuardsUnmet => (StatusCodes.Status412PreconditionFailed, "What must hold before this does not hold.", "Bring about what is listed under unmetGuards, then try again."),
            _ => (StatusCodes.Status409Conflict, "This does not apply to the state that the run is in.", "Look at the run's state; the page shows what can be done now."),
        };
        var problem = Problem(status, title, outcome.Message, [next]);
        problem.Extensions["unmetGuards"] = outcome.UnmetGuards;
        problem.Extensions["evidence"] = system is null
            ? new Dictionary<string, object?>()
            : new Dictionary<string, object?> { ["phase"] = system.Phase, ["epoch"] = system.Epoch.Value, ["site"] = system.Site.Value, ["liveRun"] = system.LiveRun?.Id.Value, ["reason"] = system.Reason };
        return TypedResults.Problem(problem);
    }

    public static ProblemDetails Problem(int status, string title, string why, IReadOnlyList<string> next) => new()
    {
        Status = status,
        Title = title,
        Detail = why,
        Extensions = { ["nextActions"] = next },
    };

    public static ProblemDetails Forbidden(Caller? caller, string needed) => Problem(
        StatusCodes.Status403Forbidden,
        "This is not yours to do.",
        caller is { Kind: CallerKind.Setup } ? "The one-time token makes the first administrator and nothing else." : $"It takes the role {needed}; {caller?.Name ?? "nobody"} has {caller?.Role.ToString().ToLowerInvariant() ?? "none"}.",
        ["Ask somebody with that role, or an administrator to give it to you."]);

    public static ProblemHttpResult Refused(int status, string title, string why, params string[] next) => Make(status, title, why, next);

    /// <summary>For what answers outside a route's handler.</summary>
    public static async Task WriteAsync(HttpContext http, ProblemDetails problem)
    {
        http.Response.StatusCode = problem.Status ?? StatusCodes.Status500InternalServerError;
        await TypedResults.Problem(problem).ExecuteAsync(http);
    }

    private static ProblemHttpResult Make(int status, string title, string why, IReadOnlyList<string> next) => TypedResults.Problem(Problem(status, title, why, next));
}
