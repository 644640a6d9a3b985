using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Tls;
using Orleans.Connections.Security;

namespace Dr.Silo.Cluster;

/// <summary>
/// TLS 1.3 between silos (and to clients of the cluster), both of which show a certificate of the one CA, made for both purposes. Names are not compared: addresses of silos move, and the CA is
/// for silos only. Every new connection takes what is in the files then, so a renewed certificate needs no restart.
/// </summary>
internal static partial class SiloTls
{
    /// <summary>A handshake is a few round trips; a peer that speaks no TLS must not hold a connection for longer.</summary>
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(5);

    /// <summary>What clients ask for; nobody looks at it.</summary>
    private const string ServerName = "dr-silo";

    public static void UseTls(this ISiloBuilder silo, TlsFiles files, TimeProvider time, ILogger logger) => silo.UseTls(options =>
    {
        options.SslProtocols = SslProtocols.Tls13;
        options.HandshakeTimeout = HandshakeLimit;
        (options.RemoteCertificateMode, options.ClientCertificateMode) = (RemoteCertificateMode.RequireCertificate, RemoteCertificateMode.RequireCertificate);
        options.CheckCertificateRevocation = false;

        // Asked for once, before anything is connected: without it no silo would show a certificate as a client. What is shown is what the selectors say.
        options.LocalCertificate = files.Current.Own.TargetCertificate;
        options.LocalServerCertificateSelector = (_, _) => files.Current.Own.TargetCertificate;
        options.LocalClientCertificateSelector = (_, _, _, _, _) => files.Current.Own.TargetCertificate;
        options.OnAuthenticateAsClient = (_, client) => client.TargetHost = ServerName;
        options.RemoteCertificateValidation = (certificate, chain, _) =>
        {
            if (FindProblem(certificate, chain, files.Current.Authorities, time.GetUtcNow()) is not { } problem)
            {
                return true;
            }

            LogRefused(logger, certificate.Subject, problem);
            return false;
        };
    });

    /// <summary>A silo is a server to some of its peers and a client to others, so its certificate is for both.</summary>
    private static string? FindProblem(X509Certificate2 certificate, X509Chain? chain, X509Certificate2Collection authorities, DateTimeOffset now)
    {
        var sent = chain?.ChainPolicy.ExtraStore ?? [];
        return CertificateCheck.FindProblem(certificate, sent, authorities, CertificateCheck.ServerPurpose, now)
            ?? CertificateCheck.FindProblem(certificate, sent, authorities, CertificateCheck.ClientPurpose, now);
    }

    [LoggerMessage(3331, LogLevel.Warning, "A peer that shows the certificate {Subject} is no silo of this cluster: {Problem}")]
    private static partial void LogRefused(ILogger logger, string subject, string problem);
}
