using System.Net;
using Dr.Contracts.Cli;
using Dr.Contracts.Tls;
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

    public static void Configure(KestrelServerOptions kestrel, SiloOptions options, ILogger logger)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = ApiLimits.BodyBytesMax;
        kestrel.Limits.MaxConcurrentConnections = ApiLimits.ConnectionsMax;
        kestrel.Listen(SiloApp.EndPointOf(options.Http, "--http"), listen =>
        {
            if (options is { TlsCertificate: { } certificate, TlsKey: { } key })
            {
                // Asked at every handshake, so that a renewed certificate needs no restart.
                var files = new TlsFiles(certificate, key, authorityPath: null, logger);
                listen.UseHttps(https =>
                {
                    https.ServerCertificateSelector = (_, _) => files.Current.Own.TargetCertificate;
                    https.ServerCertificateChain = [.. files.Current.Own.IntermediateCertificates];
                });
            }
        });
    }
}
