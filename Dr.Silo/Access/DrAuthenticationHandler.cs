using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using Dr.Silo.Api;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;

namespace Dr.Silo.Access;

/// <summary>
/// Finds out who calls, in this order: a bearer token (ours, then the outside issuer's), the console's cookie, and, while no user exists and sign-in is not
/// required, whoever is on this machine. A credential that is there and wrong is refused; it is never overlooked in favour of a weaker one.
/// </summary>
internal sealed class DrAuthenticationHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder, AccessStore store, AccessOptions access, TokenUses uses)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
{
    public const string SchemeName = "Dr";
    public const string Cookie = "dr-session";
    private const string Bearer = "Bearer ";

    private static readonly string[] ForwardedHeaders = ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"];

    /// <summary>The session's token, for its forgery key; null when the caller is no session.</summary>
    public static AccessToken? SessionOf(HttpContext http) => AccessToken.TryParse(http.Request.Cookies[Cookie], out var token) ? token : null;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (header.Length > 0)
        {
            return header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
                ? await BearerAsync(header[Bearer.Length..].Trim())
                : AuthenticateResult.Fail("Authorization is not 'Bearer TOKEN'.");
        }

        if (AccessToken.TryParse(Request.Cookies[Cookie], out var session) && await store.FindAsync(session, Context.RequestAborted) is ({ Kind: CallerKind.Session } record, { } user))
        {
            return Success(new Caller(user.Name, user.Role, CallerKind.Session, record.Id));
        }

        return IsThisMachine() && !access.RequireSignIn && !await store.HasUsersAsync(Context.RequestAborted)
            ? Success(new Caller(Caller.LocalName, Role.Admin, CallerKind.Local))
            : AuthenticateResult.NoResult();
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        if (HttpMethods.IsGet(Request.Method) && Request.Path == "/")
        {
            Response.Redirect("/sign-in");
            return;
        }

        var failure = (await HandleAuthenticateOnceSafeAsync()).Failure;
        Response.Headers.WWWAuthenticate = "Bearer realm=\"dr\"";
        var first = !await store.HasUsersAsync(Context.RequestAborted);
        await ApiProblem.WriteAsync(Context, ApiProblem.Problem(
            StatusCodes.Status401Unauthorized,
            "Nobody is signed in.",
            failure?.Message ?? "This request carries no token and no session.",
            first
                ? ["Make the first administrator with the one-time token that dr-silo wrote at its start: dr-silo users first NAME --token-file FILE."]
                : ["dr-silo login, or send 'Authorization: Bearer TOKEN'.", "An administrator makes tokens: dr-silo tokens create."]));
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var caller = Caller.Of(Context.User);
        var policies = Context.GetEndpoint()?.Metadata.GetOrderedMetadata<IAuthorizeData>().Select(a => a.Policy) ?? [];
        var needed = policies.Select(p => Enum.TryParse<Role>(p, ignoreCase: true, out var role) ? role : Role.Viewer).DefaultIfEmpty(Role.Admin).Max();
        return ApiProblem.WriteAsync(Context, ApiProblem.Forbidden(caller, AccessModule.PolicyOf(needed)));
    }

    private async Task<AuthenticateResult> BearerAsync(string text)
    {
        if (!AccessToken.TryParse(text, out var token))
        {
            return access.JwtAuthority is null ? AuthenticateResult.Fail("This is no token of ours.") : await IssuerAsync();
        }

        if (await store.FindAsync(token, Context.RequestAborted) is not { } found)
        {
            return AuthenticateResult.Fail("The token is unknown, revoked or expired, or its user is disabled.");
        }

        if (found.User is null)
        {
            return Success(new Caller("first-administrator", Role.Admin, CallerKind.Setup, found.Token.Id));
        }

        await uses.NoteAsync(found.Token.Id, Context.RequestAborted);
        return Success(new Caller(found.User.Name, found.Token.Role < found.User.Role ? found.Token.Role : found.User.Role, CallerKind.Token, found.Token.Id));
    }

    private async Task<AuthenticateResult> IssuerAsync()
    {
        var result = await Context.AuthenticateAsync(JwtBearerDefaults.AuthenticationScheme);
        if (result.Principal is not { } principal)
        {
            return AuthenticateResult.Fail(result.Failure?.Message ?? "The issuer's token is not valid.");
        }

        var name = principal.FindFirstValue("preferred_username") ?? principal.FindFirstValue("sub") ?? principal.FindFirstValue(ClaimTypes.NameIdentifier);
        return Enum.TryParse<Role>(principal.FindFirstValue(access.JwtRoleClaim), ignoreCase: true, out var role) && Enum.IsDefined(role) && name is not null
            // The issuer's names are its own: one that is called as a user here is not that user.
            ? Success(new Caller($"{name}@{principal.FindFirstValue("iss")}", role, CallerKind.Issuer))
            : AuthenticateResult.Fail($"The issuer's token names no role in '{access.JwtRoleClaim}', or nobody in 'sub'.");
    }

    /// <summary>A browser that was led here by a foreign name, and a proxy that speaks for others, are not this machine's user.</summary>
    private bool IsThisMachine() =>
        Context.Connection.RemoteIpAddress is { } remote && IPAddress.IsLoopback(remote)
        && (Request.Host.Host is "localhost" || (IPAddress.TryParse(Request.Host.Host.Trim('[', ']'), out var host) && IPAddress.IsLoopback(host)))
        && !ForwardedHeaders.Any(Request.Headers.ContainsKey);

    private AuthenticateResult Success(Caller caller) => AuthenticateResult.Success(new AuthenticationTicket(caller.ToPrincipal(Scheme.Name), Scheme.Name));
}
