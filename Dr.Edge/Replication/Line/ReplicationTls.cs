using System.Diagnostics.CodeAnalysis;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Tls;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Replication.Line;

/// <summary>
/// TLS 1.3 between appliances, both of which show a certificate of the one CA. Names are not compared: addresses of appliances move, and the CA is for appliances only.
/// </summary>
internal sealed class ReplicationTls
{
    /// <summary>A handshake is three round trips at most, also on a line with losses.</summary>
    private static readonly TimeSpan HandshakeWithin = TimeSpan.FromSeconds(5);

    private readonly TlsFiles? _files;
    private readonly TimeProvider _time;

    private readonly Revocations? _revocations;
    private readonly RevocationCutter<Socket> _cutter;

    private ReplicationTls(TlsFiles? files, TimeProvider time, Revocations? revocations)
    {
        (_files, _time, _revocations) = (files, time, revocations);
        _cutter = new RevocationCutter<Socket>(revocations, socket => socket.Dispose());
    }


    public static ReplicationTls Off { get; } = new(null, TimeProvider.System, null);

    /// <exception cref="DrException">Only some of the files are named, or one cannot be used.</exception>
    public static ReplicationTls Create(ReplicationTlsConfig config, TimeProvider time, ILogger logger, Revocations? revocations = null)
    {
        string?[] all = [config.Certificate, config.Key, config.Ca];
        if (all.All(string.IsNullOrEmpty))
        {
            return Off;
        }

        return all.Any(string.IsNullOrEmpty)
            ? throw new DrException("TLS for replication needs a certificate, its key and the CA of the appliances.", "Set 'replication: tls: certificate', 'key' and 'ca', or none of them.")
            : new ReplicationTls(new TlsFiles(config.Certificate!, config.Key!, config.Ca, logger), time, revocations);
    }

    public bool IsOn => _files is not null;

    /// <summary>The line of an accepted connection, and why its other end must not speak on it (null: it may). The refusal can be told, encrypted; nothing else may be.</summary>
    /// <exception cref="DrException">No TLS came about.</exception>
    [SuppressMessage("Security", "CA5359:Do Not Disable Certificate Validation", Justification = "The certificate is judged in the callback; the caller refuses in words, which an alert could not.")]
    public async Task<(Stream Line, string? Problem)> AcceptAsync(Socket socket, CancellationToken cancellationToken)
    {
        if (_files is null)
        {
            return (new SocketLine(socket), null);
        }

        var plain = new NetworkStream(socket, ownsSocket: true);
        var material = _files.Current;
        string? problem = "it shows no certificate";
        var line = new SslStream(plain, leaveInnerStreamOpen: false);
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = material.Own,
            ClientCertificateRequired = true,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,

            // Judged here and refused in words afterwards: an alert would not say why.
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                problem = FindProblem(certificate, chain, material, CertificateCheck.ClientPurpose);
                return true;
            },
        };
        await HandshakeAsync(line, token => line.AuthenticateAsServerAsync(options, token), "The other end speaks no TLS 1.3", cancellationToken);
        if (problem is null)
        {
            _cutter.Watch(socket, (X509Certificate2)line.RemoteCertificate!);
        }

        return (line, problem);
    }

    /// <exception cref="DrException">No TLS came about, or the peer's certificate is not good.</exception>
    public async Task<Stream> ConnectAsync(Socket socket, string peer, CancellationToken cancellationToken)
    {
        if (_files is null)
        {
            return new SocketLine(socket);
        }

        var plain = new NetworkStream(socket, ownsSocket: true);
        var material = _files.Current;
        string? problem = null;
        var line = new SslStream(plain, leaveInnerStreamOpen: false);
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = PeerAddress.Parse(peer).Host,
            ClientCertificateContext = material.Own,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            EnabledSslProtocols = SslProtocols.Tls13,
            AllowTlsResume = false,
            RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            {
                problem = FindProblem(certificate, chain, material, CertificateCheck.ServerPurpose);
                return problem is null;
            },
        };
        try
        {
            await HandshakeAsync(line, token => line.AuthenticateAsClientAsync(options, token), $"No TLS 1.3 with the peer {peer}", cancellationToken);
        }
        catch (DrException) when (problem is not null)
        {
            throw new DrException($"The certificate of the peer {peer} is not accepted here: {problem}.", "Both appliances need certificates of the same CA ('replication: tls').", isTransient: true);
        }

        _cutter.Watch(socket, (X509Certificate2)line.RemoteCertificate!);
        return line;
    }

    private static async Task HandshakeAsync(SslStream line, Func<CancellationToken, Task> handshake, string failure, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(HandshakeWithin);
        try
        {
            await handshake(patience.Token);
        }
        catch (Exception exception) when (exception is AuthenticationException or IOException || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            await line.DisposeAsync();
            throw new DrException($"{failure}: {exception.Message}", "Is 'replication: tls' set on both appliances alike?", exception, isTransient: true);
        }
        catch
        {
            await line.DisposeAsync();
            throw;
        }
    }

    private string? FindProblem(X509Certificate? certificate, X509Chain? chain, TlsMaterial material, string purpose) => certificate is not X509Certificate2 shown
        ? "it shows no certificate"
        : CertificateCheck.FindProblem(shown, chain is null ? [] : [.. chain.ChainElements.Skip(1).Select(e => e.Certificate), .. chain.ChainPolicy.ExtraStore], material.Authorities, purpose, _time.GetUtcNow(), _revocations)
            ?? FindOtherRole(shown, material.Own.TargetCertificate);

    /// <summary>The control plane's CA issues for kiosks and hosts too, whose certificates say so: they may not send volumes. Certificates of a CA for appliances alone say nothing.</summary>
    private static string? FindOtherRole(X509Certificate2 shown, X509Certificate2 own) => CertificateCheck.RoleOf(own) is { } role && CertificateCheck.RoleOf(shown) is var other && other != role
        ? $"it is made for {(other is null ? "nothing in particular" : $"the role {other}")}, not for {role}"
        : null;
}
