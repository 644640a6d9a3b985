using Dr.Silo.Api;

namespace Dr.Silo.Access;

/// <summary>
/// A page of another origin can make a browser send requests here, with the cookie, or from this machine. Changes are taken from a browser only when it
/// says that they come from a page of this origin, and with a session only together with the key that such a page has.
/// </summary>
internal static class ForgeryGuard
{
    public const string Header = "Dr-Forgery-Key";

    public static void UseForgeryGuard(this IApplicationBuilder app) => app.Use(async (http, next) =>
    {
        if (RefusalOf(http) is { } why)
        {
            await ApiProblem.WriteAsync(http, ApiProblem.Problem(StatusCodes.Status403Forbidden, "The request may have been forged by another page.", why, ["Use the console's own page, or a token."]));
            return;
        }

        await next(http);
    });

    private static string? RefusalOf(HttpContext http)
    {
        var request = http.Request;
        if (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method) || HttpMethods.IsOptions(request.Method))
        {
            return null;
        }

        // Whoever sends a token in a header is no page that was lured here; signing in is checked too, so that nobody is signed in as somebody else.
        var kind = Caller.Of(http.User)?.Kind;
        if (kind is CallerKind.Token or CallerKind.Issuer or CallerKind.Setup)
        {
            return null;
        }

        if (request.Headers["Sec-Fetch-Site"].ToString() is { Length: > 0 } site and not ("same-origin" or "none"))
        {
            return $"The browser says that it comes from a page of another origin ({site}).";
        }

        if (request.Headers.Origin.ToString() is { Length: > 0 } origin && !(Uri.TryCreate(origin, UriKind.Absolute, out var uri) && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase)))
        {
            return $"It comes from {origin}.";
        }

        return kind == CallerKind.Session && (DrAuthenticationHandler.SessionOf(http) is not { } session || request.Headers[Header] != session.ForgeryKey())
            ? $"The header {Header} is missing or not this session's."
            : null;
    }
}
