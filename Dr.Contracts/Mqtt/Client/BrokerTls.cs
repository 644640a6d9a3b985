using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Errors;
using Dr.Contracts.Tls;
using Microsoft.Extensions.Logging;

namespace Dr.Contracts.Mqtt.Client;

/// <summary>
/// TLS to brokers with a certificate on both sides. This program's certificate names it (its common name is the device id, or <see cref="TopicAccess.ControlPlane"/>); the broker's must come from the same CA, be made for
/// servers, and name the host that was dialled. Files are read again when they change.
/// </summary>
public sealed class BrokerTls
{
    private readonly TlsFiles _files;
    private readonly TimeProvider _time;

    private BrokerTls(TlsFiles files, TimeProvider time, Revocations? revocations) => (_files, _time, Revocations) = (files, time, revocations);

    /// <summary>Withdrawn certificates; null when nobody keeps a list.</summary>
    public Revocations? Revocations { get; }

    /// <summary>What is in the files now.</summary>
    public TlsMaterial Current => _files.Current;

    /// <summary>Null when none of the files is named.</summary>
    /// <param name="where">How the three are called in the configuration or on the command line, for the message.</param>
    /// <exception cref="DrException">Only some are named, or one cannot be used.</exception>
    public static BrokerTls? Create(string? certificate, string? key, string? authority, string where, TimeProvider time, ILogger logger, Revocations? revocations = null)
    {
        string?[] all = [certificate, key, authority];
        if (all.All(string.IsNullOrEmpty))
        {
            return null;
        }

        return all.Any(string.IsNullOrEmpty)
            ? throw new DrException("TLS to the broker needs a certificate, its key and the CA.", $"Give all of {where}, or none.")
            : new BrokerTls(new TlsFiles(certificate!, key!, authority, logger), time, revocations);
    }

    /// <summary>Null when the client's certificate is good; else what is wrong, for a log.</summary>
    public string? FindClientProblem(X509Certificate2 certificate, X509Chain? chain) =>
        CertificateCheck.FindProblem(certificate, Sent(chain), Current.Authorities, CertificateCheck.ClientPurpose, _time.GetUtcNow(), Revocations);

    /// <summary>Null when the broker's certificate is good for <paramref name="host"/>.</summary>
    public string? FindBrokerProblem(X509Certificate2 certificate, X509Chain? chain, string host)
    {
        var material = Current;

        // A silo that speaks to its own broker knows the certificate, whatever names are in it.
        if (certificate.RawDataMemory.Span.SequenceEqual(material.Own.TargetCertificate.RawDataMemory.Span))
        {
            return null;
        }

        return CertificateCheck.FindProblem(certificate, Sent(chain), material.Authorities, CertificateCheck.ServerPurpose, _time.GetUtcNow(), Revocations)
            ?? (certificate.MatchesHostname(host) ? null : $"it is not for {host}");
    }

    private static X509Certificate2Collection Sent(X509Chain? chain) => chain?.ChainPolicy.ExtraStore ?? [];
}
