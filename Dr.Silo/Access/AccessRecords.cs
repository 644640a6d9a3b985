namespace Dr.Silo.Access;

/// <summary>A user as stored. Never leaves the process: it has the password's hash.</summary>
internal sealed record UserRecord
{
    public required string Name { get; init; }

    public required Role Role { get; init; }

    /// <summary><see cref="PasswordHash"/>; null = tokens only.</summary>
    public string? Password { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required string CreatedBy { get; init; }

    public DateTimeOffset? DisabledAt { get; init; }

    public required long Version { get; init; }
}

/// <summary>A token as stored, without its secret, of which only a hash exists.</summary>
internal sealed record TokenRecord
{
    public required string Id { get; init; }

    public required CallerKind Kind { get; init; }

    public required string User { get; init; }

    /// <summary>At most this, and never more than its user's role today.</summary>
    public required Role Role { get; init; }

    public required string Label { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    public DateTimeOffset? LastUsedAt { get; init; }
}

internal enum ChangeAnswer
{
    Changed,
    Unknown,

    /// <summary>Somebody changed it since it was looked at.</summary>
    Moved,

    /// <summary>Nobody would be left who can let anybody in.</summary>
    LastAdmin,
}
