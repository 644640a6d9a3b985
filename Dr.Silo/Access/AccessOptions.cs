namespace Dr.Silo.Access;

/// <summary>How callers are told apart, as the command line says.</summary>
public sealed record AccessOptions
{
    /// <summary>Nobody is let in unsigned, not even on loopback before the first user exists.</summary>
    public bool RequireSignIn { get; init; }

    /// <summary>Where the first administrator's one-time token is written (mode 0600); null = standard error.</summary>
    public string? FirstAdminFile { get; init; }

    /// <summary>OpenID Connect issuer whose access tokens are taken, too; null = none.</summary>
    public string? JwtAuthority { get; init; }

    public string? JwtAudience { get; init; }

    /// <summary>Claim with one of the four roles' names.</summary>
    public string JwtRoleClaim { get; init; } = "dr_role";
}
