using Dr.Silo.Access;

namespace Dr.Silo.WebConsole;

/// <summary>Who looks at the page.</summary>
/// <param name="Name">Null = nobody is signed in, and orders say themselves who they are from.</param>
/// <param name="ForgeryKey">Sent along with every order of this session.</param>
public sealed record Visitor(string? Name, Role? Role, string? ForgeryKey)
{
    public static Visitor Of(HttpContext http)
    {
        ArgumentNullException.ThrowIfNull(http);
        return Caller.Of(http.User) switch
        {
            { Kind: CallerKind.Session } caller => new Visitor(caller.Name, caller.Role, DrAuthenticationHandler.SessionOf(http)?.ForgeryKey()),
            { Kind: not CallerKind.Local } caller => new Visitor(caller.Name, caller.Role, null),
            _ => new Visitor(null, null, null),
        };
    }
}
