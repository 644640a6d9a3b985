using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Dr.Contracts.Tls;

/// <summary>What one end of a TLS connection shows and trusts, as it was read from files at one moment. Never changes.</summary>
/// <param name="Own">Certificate with its key and the intermediates from its file.</param>
/// <param name="Authorities">Whom the other end's certificate must come from; empty when no CA was given.</param>
public sealed record TlsMaterial(SslStreamCertificateContext Own, X509Certificate2Collection Authorities);
