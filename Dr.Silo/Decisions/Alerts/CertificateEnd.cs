namespace Dr.Silo.Decisions.Alerts;

/// <summary>When a certificate ends.</summary>
/// <param name="Name">Whose it is.</param>
/// <param name="Role"><c>kiosk</c>, <c>host</c>, <c>appliance</c>, <c>broker</c> or <c>control-plane</c>.</param>
public sealed record CertificateEnd(string Name, string Role, DateTimeOffset IssuedAt, DateTimeOffset NotAfter)
{
    /// <summary>Part of its life that is over; 1 and more when it has ended.</summary>
    public double Used(DateTimeOffset now) => NotAfter > IssuedAt ? (now - IssuedAt) / (NotAfter - IssuedAt) : 1;
}
