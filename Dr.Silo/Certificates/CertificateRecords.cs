namespace Dr.Silo.Certificates;

/// <summary>A certificate that was issued here.</summary>
internal sealed record CertificateRecord
{
    public required string Serial { get; init; }

    public required string Name { get; init; }

    public required string Role { get; init; }

    public IReadOnlyList<string> Hosts { get; init; } = [];

    public required string Pem { get; init; }

    /// <summary>SHA-256 of its public key.</summary>
    public required string KeyHash { get; init; }

    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>A user, or the token or certificate that it was issued on.</summary>
    public required string IssuedBy { get; init; }

    public required DateTimeOffset NotAfter { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    public string? RevokedReason { get; init; }

    public bool IsGood(DateTimeOffset now) => RevokedAt is null && NotAfter > now;
}

/// <summary>An enrolment token as stored, without its secret.</summary>
internal sealed record EnrolmentRecord
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    public required string Role { get; init; }

    public string? Site { get; init; }

    public IReadOnlyList<string> Hosts { get; init; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    public required string CreatedBy { get; init; }

    public required DateTimeOffset ExpiresAt { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }

    public DateTimeOffset? UsedAt { get; init; }

    /// <summary>The certificate that it brought.</summary>
    public string? Serial { get; init; }
}

/// <summary>What became of a request for a certificate.</summary>
/// <param name="Record">Null when it was refused.</param>
internal sealed record IssueOutcome(CertificateRecord? Record, string? Refusal, string? Hint = null)
{
    public string? Site { get; init; }

    public static IssueOutcome Refused(string why, string hint) => new(null, why, hint);
}
