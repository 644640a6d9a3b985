using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Errors;
using Microsoft.Extensions.Logging;

namespace Dr.Contracts.Tls;

/// <summary>
/// Certificate, key and CA as PEM files, read again when one of them has changed, so that a renewed certificate needs no restart. New files that cannot be used are told once and the
/// old ones stay in use: a half-written renewal must not shut clients out. May be asked from any thread.
/// </summary>
public sealed partial class TlsFiles
{
    private readonly string _certificatePath;
    private readonly string _keyPath;
    private readonly string? _authorityPath;
    private readonly ILogger _logger;

    // Guards the two fields below.
    private readonly Lock _gate = new();
    private TlsMaterial _current;
    private Stamp _stamp;

    /// <param name="certificatePath">The certificate, then intermediates if any.</param>
    /// <param name="keyPath">Its private key, not encrypted; may be the same file.</param>
    /// <param name="authorityPath">One or more CAs; null when the other end is not to be checked against any.</param>
    /// <exception cref="DrException">A file is missing, unreadable or not what it should be.</exception>
    public TlsFiles(string certificatePath, string keyPath, string? authorityPath, ILogger logger)
    {
        (_certificatePath, _keyPath) = (Path.GetFullPath(certificatePath), Path.GetFullPath(keyPath));
        _authorityPath = authorityPath is null ? null : Path.GetFullPath(authorityPath);
        _logger = logger;
        _stamp = ReadStamp();
        _current = Load();
    }

    /// <summary>What is in the files now, or what was in them when they last could be used.</summary>
    public TlsMaterial Current
    {
        get
        {
            lock (_gate)
            {
                var stamp = ReadStamp();
                if (stamp == _stamp)
                {
                    return _current;
                }

                // Noted before it is known whether they are good: bad ones are told once, and looked at again when they change.
                _stamp = stamp;
                try
                {
                    _current = Load();
                    LogReloaded(_certificatePath, _current.Own.TargetCertificate.NotAfter.ToUniversalTime());
                }
                catch (DrException exception)
                {
                    LogNotReloaded(exception, _certificatePath);
                }

                return _current;
            }
        }
    }

    private TlsMaterial Load()
    {
        var own = Read(_certificatePath, "certificate", () =>
        {
            using var pem = X509Certificate2.CreateFromPemFile(_certificatePath, _keyPath);

            // A key that is only attached in memory is not taken by every platform's TLS; one that came through PKCS#12 is.
            return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        });
        var chain = Read(_certificatePath, "certificate", () => ImportAll(_certificatePath));
        var authorities = _authorityPath is null ? [] : Read(_authorityPath, "CA", () => ImportAll(_authorityPath));
        return _authorityPath is not null && authorities.Count == 0
            ? throw new DrException($"The CA file {_authorityPath} holds no certificate.", "It must be PEM, with BEGIN CERTIFICATE.")
            : new TlsMaterial(SslStreamCertificateContext.Create(own, [.. chain.Skip(1)], offline: true), authorities);
    }

    private static X509Certificate2Collection ImportAll(string path)
    {
        var all = new X509Certificate2Collection();
        all.ImportFromPemFile(path);
        return all;
    }

    private static T Read<T>(string path, string what, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new DrException($"The TLS {what} {path} cannot be used: {exception.Message}", "It must be PEM, readable, and the key must be its own and not encrypted.", exception);
        }
    }

    private Stamp ReadStamp() => new(StampOf(_certificatePath), StampOf(_keyPath), _authorityPath is null ? default : StampOf(_authorityPath));

    /// <summary>A file that is not there has a stamp too; reading it says what is wrong.</summary>
    private static (DateTime, long) StampOf(string path)
    {
        // Through links: renewals often swap one.
        var file = new FileInfo(path);
        if (file.LinkTarget is not null && file.ResolveLinkTarget(returnFinalTarget: true) is FileInfo target)
        {
            file = target;
        }

        return file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
    }

    private readonly record struct Stamp((DateTime, long) Certificate, (DateTime, long) Key, (DateTime, long) Authority);

    [LoggerMessage(1222, LogLevel.Information, "TLS files changed; {Certificate} is in use from now on and good until {NotAfter:O}")]
    private partial void LogReloaded(string certificate, DateTime notAfter);

    [LoggerMessage(1223, LogLevel.Error, "TLS files changed but cannot be used; what {Certificate} held before stays in use")]
    private partial void LogNotReloaded(Exception exception, string certificate);
}
