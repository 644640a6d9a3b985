using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;

namespace Dr.Contracts.Tls;

/// <summary>Cuts the live connections of whoever loses its certificate. Knows a connection for as long as somebody else does; one that ended by itself need not be taken out.</summary>
public sealed class RevocationCutter<T>
    where T : class
{
    private readonly ConditionalWeakTable<T, X509Certificate2> _live = [];
    private readonly Revocations? _revocations;
    private readonly Action<T> _cut; // From any thread; also for one that is over.

    public RevocationCutter(Revocations? revocations, Action<T> cut)
    {
        (_revocations, _cut) = (revocations, cut);
        if (revocations is not null)
        {
            revocations.Changed += CutRevoked;
        }
    }

    /// <summary>From now on <paramref name="connection"/> lasts no longer than the certificate that its other end showed.</summary>
    public void Watch(T connection, X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        if (_revocations is null)
        {
            return;
        }

        // A copy: the platform's is freed with the handshake that it came by. Known before it is asked about: a list that comes in between finds it.
        _live.AddOrUpdate(connection, X509CertificateLoader.LoadCertificate(certificate.RawDataMemory.Span));
        if (_revocations.IsRevoked(certificate))
        {
            _cut(connection);
        }
    }

    private void CutRevoked()
    {
        foreach (var (connection, certificate) in _live)
        {
            if (_revocations!.IsRevoked(certificate))
            {
                _cut(connection);
            }
        }
    }
}
