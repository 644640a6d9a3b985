using Dr.Silo.Certificates;

namespace Dr.Silo.Api;

/// <param name="Expires">A duration, for example 1h.</param>
internal sealed record NewEnrolmentBody(string? Name, string? Role, string? Site, IReadOnlyList<string>? Hosts, string? Expires);

/// <param name="Token">In this answer only.</param>
internal sealed record NewEnrolment(string Id, string Name, string Role, DateTimeOffset ExpiresAt, string Token);

internal enum EnrolmentState
{
    Open,
    Used,
    Expired,
    Revoked,
}

internal sealed record EnrolmentView(string Id, string Name, string Role, string? Site, EnrolmentState State, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset ExpiresAt, string? Serial)
{
    public static EnrolmentView Of(EnrolmentRecord record, DateTimeOffset now) => new(
        record.Id, record.Name, record.Role, record.Site,
        record.UsedAt is not null ? EnrolmentState.Used : record.RevokedAt is not null ? EnrolmentState.Revoked : record.ExpiresAt <= now ? EnrolmentState.Expired : EnrolmentState.Open,
        record.CreatedAt, record.CreatedBy, record.ExpiresAt, record.Serial);
}

internal sealed record CertificateView(
    string Serial, string Name, string Role, IReadOnlyList<string> Hosts, DateTimeOffset IssuedAt, string IssuedBy, DateTimeOffset NotAfter, DateTimeOffset? RevokedAt, string? RevokedReason)
{
    public static CertificateView Of(CertificateRecord record) =>
        new(record.Serial, record.Name, record.Role, record.Hosts, record.IssuedAt, record.IssuedBy, record.NotAfter, record.RevokedAt, record.RevokedReason);
}

/// <param name="Name">Every certificate of this name, also past its time, with its open tokens.</param>
/// <param name="Serial">Only the one of this number.</param>
internal sealed record RevokeBody(string? Name, string? Serial, string? Reason);

internal sealed record RevokedView(IReadOnlyList<string> Serials);
