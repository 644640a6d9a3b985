using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Tls;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Nbd.Tls;

/// <summary>The server's side of TLS: what it shows, whom it lets in, and what they may see.</summary>
internal sealed partial class NbdTls
{
    private readonly TlsFiles _files;
    private readonly bool _asksForCertificate;
    private readonly Dictionary<string, IReadOnlySet<string>> _clients;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Revocations? _revocations;
    private readonly RevocationCutter<INbdChannel> _cutter;

    private NbdTls(TlsFiles files, NbdTlsConfig config, TlsOffer offer, TimeProvider time, ILogger logger, Revocations? revocations)
    {
        _revocations = revocations;
        _cutter = new RevocationCutter<INbdChannel>(revocations, channel => channel.Abort());
        (_files, _asksForCertificate, Offer, _time, _logger) = (files, config.ClientCa is not null, offer, time, logger);
        _clients = config.Clients.ToDictionary(client => client.Key, client => (IReadOnlySet<string>)client.Value.ToHashSet(StringComparer.Ordinal), StringComparer.Ordinal);
    }

    /// <summary>Where a new connection stands.</summary>
    public TlsOffer Offer { get; }

    /// <summary>Null when TLS is off.</summary>
    /// <exception cref="DrException">The section contradicts itself, or a file cannot be used.</exception>
    public static NbdTls? Create(NbdTlsConfig config, TimeProvider time, ILogger logger, Revocations? revocations = null)
    {
        var mode = config.Mode ?? (config.Certificate is null ? NbdTlsMode.Off : NbdTlsMode.Require);
        if (mode == NbdTlsMode.Off)
        {
            return config.Clients.Count == 0 ? null : throw new DrException("'nbd: tls: clients' is set, but TLS is off.", "Set 'mode: require', or remove the list.");
        }

        if (config.Certificate is null || config.Key is null)
        {
            throw new DrException("TLS for NBD needs a certificate and a key.", "Set 'nbd: tls: certificate' and 'key', or --nbd-tls-certificate and --nbd-tls-key.");
        }

        if (config.Clients.Count > 0 && (mode != NbdTlsMode.Require || config.ClientCa is null))
        {
            throw new DrException("'nbd: tls: clients' says who may attach what, but clients can come without a certificate.", "Set 'mode: require' and 'clientCa'.");
        }

        var files = new TlsFiles(config.Certificate, config.Key, config.ClientCa, logger);
        return new NbdTls(files, config, mode == NbdTlsMode.Require ? TlsOffer.Required : TlsOffer.Optional, time, logger, revocations);
    }

    /// <summary>TLS on a connection whose client asked for it, and what that client may attach; null when it did not come about, which is logged.</summary>
    public (TlsChannel Channel, IExportCatalog Catalog)? Accept(INbdChannel plain, IExportCatalog catalog)
    {
        var material = _files.Current;
        string? name = null, problem = null;
        X509Certificate2? shown = null;
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = material.Own,
            ClientCertificateRequired = _asksForCertificate,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            AllowRenegotiation = false,

            // A resumed session would bring back a client whose certificate is no longer good.
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                shown = _asksForCertificate && certificate is not null ? X509CertificateLoader.LoadCertificate(certificate.GetRawCertData()) : null;
                problem = _asksForCertificate ? FindProblem(shown, chain, material, out name) : null;
                return problem is null;
            },
        };
        try
        {
            var channel = TlsChannel.Accept(plain, options);
            if (name is not null)
            {
                channel.NameClient(name);
            }

            if (shown is not null)
            {
                _cutter.Watch(plain, shown);
            }

            return (channel, _clients.Count == 0 ? catalog : VisibleTo(name, catalog));
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException or InvalidOperationException or CryptographicException)
        {
            LogRefused(plain.Peer, problem ?? (exception.InnerException ?? exception).Message);
            return null;
        }
    }

    private IExportCatalog VisibleTo(string? name, IExportCatalog catalog)
    {
        var volumes = name is not null && _clients.TryGetValue(name, out var listed) ? listed : new HashSet<string>(StringComparer.Ordinal);
        return volumes.Contains(AuthorisedCatalog.Everything) ? catalog : new AuthorisedCatalog(catalog, volumes);
    }

    private string? FindProblem(X509Certificate2? certificate, X509Chain? chain, TlsMaterial material, out string? name)
    {
        name = null;
        if (certificate is null)
        {
            return "it showed no certificate";
        }

        name = CertificateCheck.CommonNameOf(certificate);
        return CertificateCheck.FindProblem(certificate, chain?.ChainPolicy.ExtraStore ?? [], material.Authorities, CertificateCheck.ClientPurpose, _time.GetUtcNow(), _revocations) is { } problem
            ? $"its certificate ({certificate.Subject}) is not good: {problem}"
            : null;
    }

    [LoggerMessage(1205, LogLevel.Warning, "No TLS with {Peer}: {Reason}")]
    private partial void LogRefused(string peer, string reason);
}
