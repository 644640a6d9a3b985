using Dr.Silo.Access;

namespace Dr.Silo.Api;

/// <summary>Who an order is from: whoever is signed in. Only where nobody has to be (on this machine, before the first user) the request itself says it.</summary>
internal static class Actors
{
    /// <summary>The name for the audit, or why there is none.</summary>
    public static (string Name, IResult? Refusal) Of(HttpContext http, string? said)
    {
        var caller = Caller.Of(http.User) ?? throw new InvariantException("an order came from nobody");
        if (caller.Kind != CallerKind.Local)
        {
            return string.IsNullOrEmpty(said) || said == caller.Name
                ? (caller.Name, null)
                : ("", ApiProblem.BadRequest("Nobody orders in somebody else's name.", $"You are signed in as {caller.Name}, and actor says '{said}'.", "Leave actor out."));
        }

        if (string.IsNullOrWhiteSpace(said) || said.Length > ApiLimits.NameMax)
        {
            return ("", ApiProblem.BadRequest("Who is missing.", $"While no user exists, actor says who orders (1 to {ApiLimits.NameMax} characters); it goes into the audit.", "Send actor, or make users."));
        }

        AuditFilter.By(http, said);
        return (said, null);
    }

    /// <summary>Null when <paramref name="reason"/> can go into the audit.</summary>
    public static IResult? RefusalOf(string? reason, bool required = true) => reason switch
    {
        { Length: > ApiLimits.ReasonMax } => ApiProblem.BadRequest("The reason is too long.", $"It has {reason.Length} characters; {ApiLimits.ReasonMax} are taken.", "Shorten it."),
        _ when required && string.IsNullOrWhiteSpace(reason) => ApiProblem.BadRequest("Why is missing.", "reason goes into the audit and must not be empty.", "Send reason."),
        _ => null,
    };

    public static IResult? RefusalOf(HttpContext http, Role needed) =>
        Caller.Of(http.User) is { } caller && caller.Role >= needed ? null : Results.Problem(ApiProblem.Forbidden(Caller.Of(http.User), AccessModule.PolicyOf(needed)));
}
