using Dr.Contracts.Cli;
using Dr.Silo.Access;
using Microsoft.AspNetCore.Mvc;

namespace Dr.Silo.Api;

/// <summary>Signing in, users and tokens.</summary>
internal static class AccessEndpoints
{
    private const string Tag = "Access";

    public static void MapAccess(this RouteGroupBuilder api)
    {
        api.MapPost("/sign-in", SignInAsync).WithName("SignIn").WithTags(Tag).AllowAnonymous()
            .WithSummary("Name and password against a token (session: false) or the console's cookie (session: true).")
            .Produces<SignedIn>().Refuses(400, 401, 403, 429, 503);
        api.MapPost("/sign-out", SignOutAsync).Changes("SignOut", Tag, "Revokes the session or token that this request carries.", Role.Viewer, StatusCodes.Status204NoContent);
        api.MapGet("/me", (HttpContext http) => TypedResults.Ok(Me(http))).Shows<CallerView>("GetMe", Tag, "Who this request is from, and with which role.");
        api.MapPost("/me/password", ChangePasswordAsync).Changes("ChangePassword", Tag, "Changes one's own password; all sessions of the user end.", Role.Viewer, StatusCodes.Status204NoContent, 409, 429);

        api.MapGet("/users", async (HttpContext http, string? after, int? limit, AccessStore store, CancellationToken cancellationToken) =>
            {
                var size = Paging.Limit(limit);
                return TypedResults.Ok(Paging.Page(http, [.. (await store.UsersAsync(after ?? "", size + 1, cancellationToken)).Select(UserView.Of)], size, user => user.Name));
            })
            .Shows<IReadOnlyList<UserView>>("ListUsers", Tag, "Every user with role. ?after= ?limit=1..500.", Role.Admin);
        api.MapPost("/users", AddUserAsync).WithMetadata(new TakesSetupToken())
            .Changes<UserView>("AddUser", Tag, "Makes a user. The first one, with the one-time token, is an administrator.", Role.Admin, StatusCodes.Status201Created, 409);
        api.MapPatch("/users/{name}", ChangeUserAsync)
            .Changes<UserView>("ChangeUser", Tag, "Changes role, password or disabled of a user. If-Match: the user's version.", Role.Admin, StatusCodes.Status200OK, 404, 409, 412);

        api.MapGet("/tokens", ListTokensAsync).Shows<IReadOnlyList<TokenView>>("ListTokens", Tag, "One's own tokens and sessions; an administrator's ?user= or all. ?after= ?limit=1..500.");
        api.MapPost("/tokens", AddTokenAsync).Changes<NewToken>("AddToken", Tag, "Makes a token for oneself, or as administrator for a user. Its secret is in this answer only.", Role.Viewer, StatusCodes.Status201Created, 404, 409);
        api.MapDelete("/tokens/{id}", RevokeTokenAsync).Changes("RevokeToken", Tag, "Revokes a token or session at once.", Role.Viewer, StatusCodes.Status204NoContent, 404);
    }

    /// <summary>The cookie is only sent back to this origin, never by scripts, and over TLS only where it was set over TLS.</summary>
    private static void SetCookie(HttpContext http, string value, DateTimeOffset expires) => http.Response.Cookies.Append(DrAuthenticationHandler.Cookie, value, new CookieOptions
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = http.Request.IsHttps,
        Path = "/",
        Expires = expires,
    });

    private static async Task<IResult> SignInAsync(SignInBody body, SignInService service, HttpContext http, TimeProvider time)
    {
        if (body.Name is not { Length: > 0 and <= Names.MaxLength } name || body.Password is not { Length: > 0 and <= PasswordHash.MaxLength } password)
        {
            return ApiProblem.BadRequest("Name and password are missing.", "Both are needed, and neither may be longer than any that is taken.", "Send name and password.");
        }

        AuditFilter.About(http, name);
        AuditFilter.By(http, name);
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "unknown";
        var outcome = await service.SignInAsync(name, password, address, body.Session ? CallerKind.Session : CallerKind.Token, body.Session ? "console" : "login", http.RequestAborted);
        if (outcome is { Answer: SignInAnswer.TooMany or SignInAnswer.Busy, Wait: { } wait })
        {
            http.Response.Headers.RetryAfter = Math.Ceiling(wait.TotalSeconds).ToString(CultureInfo.InvariantCulture);
            return ApiProblem.Refused(
                StatusCodes.Status429TooManyRequests, "Too many sign-ins.", $"{AccessLimits.FailuresPerName} failures of a name or {AccessLimits.FailuresPerAddress} from one address within {AccessLimits.FailureWindow.TotalMinutes:0} minutes stop further ones.",
                $"Wait {Math.Ceiling(wait.TotalSeconds):0} s.");
        }

        if (outcome is not { Answer: SignInAnswer.Done, Record: { } record })
        {
            return ApiProblem.Refused(StatusCodes.Status401Unauthorized, "Name or password is wrong.", "Or the user is disabled; which of them is not said.", "Try again, or ask an administrator for a new password.");
        }

        if (!body.Session)
        {
            return TypedResults.Ok(new SignedIn(record.User, record.Role, record.ExpiresAt, outcome.Token.ToString()));
        }

        SetCookie(http, outcome.Token.ToString(), record.ExpiresAt);
        return TypedResults.Ok(new SignedIn(record.User, record.Role, record.ExpiresAt, null));
    }

    private static async Task<IResult> SignOutAsync(HttpContext http, AccessStore store, TimeProvider time)
    {
        if (Caller.Of(http.User)?.TokenId is { } id)
        {
            await store.RevokeAsync(id, null, http.RequestAborted);
            SetCookie(http, "", time.GetUtcNow() - TimeSpan.FromDays(1));
        }

        return TypedResults.NoContent();
    }

    private static CallerView Me(HttpContext http)
    {
        var caller = Caller.Of(http.User)!;
        return new CallerView(caller.Name, caller.Role, caller.Kind);
    }

    private static async Task<IResult> ChangePasswordAsync(PasswordBody body, HttpContext http, AccessStore store, SignInService service)
    {
        var caller = Caller.Of(http.User)!;
        if (caller.Kind is not (CallerKind.Session or CallerKind.Token))
        {
            return ApiProblem.Refused(StatusCodes.Status409Conflict, "There is no password to change.", $"{caller.Name} is no user of this control plane.", "An administrator makes users: dr-silo users add.");
        }

        if (PasswordHash.RefusalOf(body.New) is { } refusal)
        {
            return ApiProblem.BadRequest("The new password is not taken.", refusal, "Choose another one.");
        }

        // As a sign-in: limited and audited in the same way, so that a stolen session cannot be used to guess.
        var address = http.Connection.RemoteIpAddress?.ToString() ?? "unknown";
        var proof = await service.SignInAsync(caller.Name, body.Old ?? "", address, CallerKind.Session, "password change", http.RequestAborted);
        if (proof.Answer != SignInAnswer.Done)
        {
            return ApiProblem.Refused(
                proof.Answer == SignInAnswer.Refused ? StatusCodes.Status403Forbidden : StatusCodes.Status429TooManyRequests, "The old password is wrong.", "It is asked for so that an open page is not enough.", "Try again, or ask an administrator.");
        }

        await store.ChangeUserAsync(caller.Name, null, null, PasswordHash.Make(body.New!), null, http.RequestAborted);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> AddUserAsync(NewUserBody body, HttpContext http, AccessStore store)
    {
        var caller = Caller.Of(http.User)!;
        AuditFilter.About(http, body.Name ?? "");
        if (!Names.IsValid(body.Name ?? ""))
        {
            return ApiProblem.BadRequest("The name is not valid.", $"A name has 1 to {Names.MaxLength} letters, digits, '-', '_', '.'.", "Choose another one.");
        }

        if (!Enum.TryParse<Role>(body.Role, ignoreCase: true, out var role) || !Enum.IsDefined(role))
        {
            return ApiProblem.BadRequest($"'{body.Role}' is not a role.", "role takes viewer, operator, commander or admin.", "Send one of them.");
        }

        if (body.Password is not null && PasswordHash.RefusalOf(body.Password) is { } refusal)
        {
            return ApiProblem.BadRequest("The password is not taken.", refusal, "Choose another one, or leave it out for a user that has tokens only.");
        }

        var first = caller.Kind is CallerKind.Setup or CallerKind.Local;
        if (first && (role != Role.Admin || body.Password is null))
        {
            return ApiProblem.BadRequest("The first user has to be an administrator with a password.", "From then on everybody has to sign in, and only an administrator can make more users.", "Send role admin and a password.");
        }

        var made = await store.AddUserAsync(body.Name!, role, body.Password is { } password ? PasswordHash.Make(password) : null, caller.Name, first ? caller.Kind.ToString() : null, http.RequestAborted);
        return made
            ? TypedResults.Created($"/api/v1/users/{body.Name}", UserView.Of((await store.UserAsync(body.Name!, http.RequestAborted))!))
            : ApiProblem.Refused(StatusCodes.Status409Conflict, $"There is a user '{body.Name}' already, or the first one was made before.", "Users are disabled and never deleted, so that the audit's names stay whose they were.", "Choose another name, or change that user.");
    }

    private static async Task<IResult> ChangeUserAsync(string name, ChangeUserBody body, [FromHeader(Name = "If-Match")] string? ifMatch, HttpContext http, AccessStore store)
    {
        Role? role = null;
        if (body.Role is not null)
        {
            if (!Enum.TryParse<Role>(body.Role, ignoreCase: true, out var parsed) || !Enum.IsDefined(parsed))
            {
                return ApiProblem.BadRequest($"'{body.Role}' is not a role.", "role takes viewer, operator, commander or admin.", "Send one of them.");
            }

            role = parsed;
        }

        if (body.Password is not null && PasswordHash.RefusalOf(body.Password) is { } refusal)
        {
            return ApiProblem.BadRequest("The password is not taken.", refusal, "Choose another one.");
        }

        long? version = null;
        if (ifMatch is not null)
        {
            if (!long.TryParse(ifMatch.Trim('"', ' '), NumberStyles.None, CultureInfo.InvariantCulture, out var seen))
            {
                return ApiProblem.BadRequest("If-Match is not a version.", $"'{ifMatch}' is not a number.", "Send the version that the user showed.");
            }

            version = seen;
        }

        return await store.ChangeUserAsync(name, version, role, body.Password is { } password ? PasswordHash.Make(password) : null, body.Disabled, http.RequestAborted) switch
        {
            ChangeAnswer.Changed => TypedResults.Ok(UserView.Of((await store.UserAsync(name, http.RequestAborted))!)),
            ChangeAnswer.Unknown => ApiProblem.NotFound("user", name),
            ChangeAnswer.Moved => ApiProblem.Refused(StatusCodes.Status412PreconditionFailed, "The user was changed since you looked.", $"It is not at version {version} any more.", "Look again and decide again."),
            _ => ApiProblem.Refused(StatusCodes.Status409Conflict, "The last administrator stays one.", "Nobody would be left who can let anybody in.", "Make another administrator first."),
        };
    }

    private static async Task<IResult> ListTokensAsync(HttpContext http, string? user, string? after, int? limit, AccessStore store)
    {
        var caller = Caller.Of(http.User)!;
        if (caller.Role < Role.Admin && user is not null && user != caller.Name)
        {
            return Results.Problem(ApiProblem.Forbidden(caller, AccessModule.PolicyOf(Role.Admin)));
        }

        var size = Paging.Limit(limit);
        var found = await store.TokensAsync(caller.Role < Role.Admin ? caller.Name : user, after ?? "", size + 1, http.RequestAborted);
        return TypedResults.Ok(Paging.Page(http, [.. found.Select(TokenView.Of)], size, token => token.Id));
    }

    private static async Task<IResult> AddTokenAsync(NewTokenBody body, HttpContext http, AccessStore store)
    {
        var caller = Caller.Of(http.User)!;
        var name = body.User ?? caller.Name;
        AuditFilter.About(http, name);
        if (name != caller.Name && caller.Role < Role.Admin)
        {
            return Results.Problem(ApiProblem.Forbidden(caller, AccessModule.PolicyOf(Role.Admin)));
        }

        if (await store.UserAsync(name, http.RequestAborted) is not { DisabledAt: null } user)
        {
            return ApiProblem.NotFound("user", name);
        }

        // A token cannot make one that may do more than itself.
        var most = name == caller.Name && caller.Role < user.Role ? caller.Role : user.Role;
        var role = most;
        if (body.Role is not null && (!Enum.TryParse(body.Role, ignoreCase: true, out role) || !Enum.IsDefined(role) || role > most))
        {
            return ApiProblem.BadRequest($"'{body.Role}' is not a role for this token.", $"role takes viewer, operator, commander or admin, and no more than {AccessModule.PolicyOf(most)}.", "Send a lower one, or none.");
        }

        var life = AccessLimits.TokenLife;
        if (body.Expires is not null)
        {
            life = Quantities.ParseDuration(body.Expires, "expires");
        }

        if (life <= TimeSpan.Zero || life > AccessLimits.TokenLifeMax || body.Label?.Length > AccessLimits.LabelMax)
        {
            return ApiProblem.BadRequest("The token is not taken.", $"expires is at most {AccessLimits.TokenLifeMax.TotalDays:0}d, label at most {AccessLimits.LabelMax} characters.", "Mend it.");
        }

        var token = AccessToken.New();
        return await store.AddTokenAsync(token, CallerKind.Token, name, role, body.Label ?? "", life, http.RequestAborted) is { } record
            ? TypedResults.Created($"/api/v1/tokens/{record.Id}", new NewToken(record.Id, name, role, record.ExpiresAt, token.ToString()))
            : ApiProblem.Refused(StatusCodes.Status409Conflict, "The user has too many tokens.", $"{AccessLimits.TokensPerUser} are open.", "Revoke some that nobody uses.");
    }

    private static async Task<IResult> RevokeTokenAsync(string id, HttpContext http, AccessStore store)
    {
        var caller = Caller.Of(http.User)!;
        return await store.RevokeAsync(id, caller.Role < Role.Admin ? caller.Name : null, http.RequestAborted) ? TypedResults.NoContent() : ApiProblem.NotFound("token", id);
    }
}
