using System.Security.Claims;

namespace Dr.Silo.Access;

public enum CallerKind
{
    /// <summary>On loopback while no user exists and sign-in is not required.</summary>
    Local,

    /// <summary>The console's cookie.</summary>
    Session,

    /// <summary>A token of ours.</summary>
    Token,

    /// <summary>A token of an outside issuer.</summary>
    Issuer,

    /// <summary>The one-time token: makes the first administrator and nothing else.</summary>
    Setup,
}

/// <summary>Who calls: as the audit names them, and with what right.</summary>
public sealed record Caller(string Name, Role Role, CallerKind Kind, string? TokenId = null)
{
    /// <summary>Name that the audit has for somebody on this machine who gave none.</summary>
    public const string LocalName = "local";

    private const string KindClaim = "dr.kind";
    private const string TokenClaim = "dr.token";

    /// <summary>Null when nobody is signed in.</summary>
    public static Caller? Of(ClaimsPrincipal principal)
    {
        ArgumentNullException.ThrowIfNull(principal);
        return principal.Identity is { IsAuthenticated: true, Name: { } name }
            && Enum.TryParse<Role>(principal.FindFirstValue(ClaimTypes.Role), out var role)
            && Enum.TryParse<CallerKind>(principal.FindFirstValue(KindClaim), out var kind)
            ? new Caller(name, role, kind, principal.FindFirstValue(TokenClaim))
            : null;
    }

    public ClaimsPrincipal ToPrincipal(string scheme)
    {
        List<Claim> claims = [new(ClaimTypes.Name, Name), new(ClaimTypes.Role, Role.ToString()), new(KindClaim, Kind.ToString())];
        if (TokenId is { } id)
        {
            claims.Add(new Claim(TokenClaim, id));
        }

        return new ClaimsPrincipal(new ClaimsIdentity(claims, scheme));
    }
}
