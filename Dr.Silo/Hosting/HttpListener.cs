using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Cli;
using Dr.Silo.Api;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Dr.Silo.Hosting;

/// <summary>The one HTTP listener: plain on loopback, TLS elsewhere.</summary>
internal static class HttpListener
{
    /// <summary>Refuses what would let passwords and tokens be read on the way, before anything is opened.</summary>
    public static void Check(SiloOptions options)
    {
        if (options.TlsCertificate is null != options.TlsKey is null)
        {
            throw new UsageException("--tls-certificate and --tls-key belong together.", "Give both, or neither.");
        }

        if (options is { Access: { JwtAuthority: not null, JwtAudience: null } })
        {
            throw new UsageException("--jwt-audience is missing.", "Without it a token that the issuer made for another service would be taken here.");
        }

        if (!options.IsLoopbackOnly && options is { TlsCertificate: null, InsecureHttp: false })
        {
            throw new UsageException(
                $"--http {options.Http} is reached by others, and without TLS passwords and tokens could be read on the way.",
                "Give --tls-certificate FILE --tls-key FILE, listen on 127.0.0.1, or say --insecure-http.");
        }
    }

    public static void Configure(KestrelServerOptions kestrel, SiloOptions options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = ApiLimits.BodyBytesMax;
        kestrel.Limits.MaxConcurrentConnections = ApiLimits.ConnectionsMax;
        kestrel.Listen(SiloApp.EndPointOf(options.Http, "--http"), listen =>
        {
            if (options is { TlsCertificate: { } certificate, TlsKey: { } key })
            {
                var (own, chain) = Load(certificate, key);
                listen.UseHttps(https => (https.ServerCertificate, https.ServerCertificateChain) = (own, chain));
            }
        });
    }

    private static (X509Certificate2 Own, X509Certificate2Collection Chain) Load(string certificate, string key)
    {
        try
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(certificate);
            return (X509Certificate2.CreateFromPemFile(certificate, key), chain);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new DrException($"The certificate {certificate} with the key {key} cannot be used: {e.Message}", "Both are PEM files, and the key is the certificate's.", e);
        }
    }
}
