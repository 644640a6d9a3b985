using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Enrolment;
using Dr.Contracts.Mqtt.Client;
using Dr.Contracts.Tls;
using Dr.Silo.Ingress;

namespace Dr.Silo.Certificates;

/// <summary>
/// Keeps this silo's view of what is revoked as the database has it, whichever silo revoked, and carries it on: the embedded broker hears it from <see cref="Revocations"/>; for an outside broker the list is written to a file, a command
/// makes the broker read it, and then the session of a device that lost its certificate is taken over, which ends its connection without touching anybody else's.
/// </summary>
internal sealed partial class RevocationWatch(
    CertificateStore store, CertificateOptions options, AuthorityHolder holder, IngressOptions ingress, IBrokerConnector connector, Revocations revocations, TimeProvider time, ILogger<RevocationWatch> logger) : BackgroundService
{
    private readonly SemaphoreSlim _looking = new(1);
    private readonly Dictionary<string, int> _cutsLeft = new(StringComparer.Ordinal);
    private DateTimeOffset? _since;
    private long _published;

    /// <summary>The broker may take a moment to read its list, so a session is taken over twice.</summary>
    private const int Cuts = 2;

    public Revocations Revocations => revocations;

    /// <summary>Looks now. What was committed before the call is in force here when this returns; telling an outside broker goes on behind it.</summary>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        await _looking.WaitAsync(cancellationToken);
        try
        {
            if (await store.NewestListAsync(cancellationToken) is not { } newest || Authorities() is not { Count: > 0 } authorities)
            {
                return;
            }

            if (revocations.Current is null || revocations.Current.Number < newest.Number)
            {
                revocations.Take(RevocationList.Read(newest.List, authorities));
                LogInForce(newest.Number, revocations.Current!.Count);
            }
        }
        finally
        {
            _looking.Release();
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (holder.Authority is { } authority)
                {
                    await store.RefreshListAsync(authority, always: false, stoppingToken);
                }

                await LookAsync(stoppingToken);
                if (ingress.Brokers.Count > 0)
                {
                    await TellBrokerAsync(stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                // The database or a file for the moment: what is in force stays so, and the next round tries again.
                LogRoundFailed(exception.Message);
            }

            await Task.Delay(CertificateLimits.LookEvery, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public override void Dispose()
    {
        _looking.Dispose();
        base.Dispose();
    }

    /// <summary>Who may have signed a list: this silo's own CA, or the one that it trusts for devices.</summary>
    private X509Certificate2Collection? Authorities() => holder.Authority is { } authority ? [authority.Certificate] : ingress.Tls?.Current.Authorities;

    private async Task TellBrokerAsync(CancellationToken cancellationToken)
    {
        if (options.ListFile is { } file && await store.NewestListAsync(cancellationToken) is { } newest && newest.Number != _published)
        {
            try
            {
                AuthorityFiles.WriteFile(file, newest.List, isSecret: false);
                await RunCommandAsync(cancellationToken);
                _published = newest.Number;
            }
            catch (DrException exception)
            {
                // Whoever is revoked loses its session all the same; the list is tried again in the next round.
                LogNotPublished(newest.Number, exception.Message);
            }
        }

        var since = _since ?? time.GetUtcNow() - CertificateLimits.CutAgain;
        var now = time.GetUtcNow();
        foreach (var revoked in await store.RevokedSinceAsync(since, cancellationToken))
        {
            // Whoever has a good one under the name keeps its session: it pushed the other out when it came.
            if (!await store.HasGoodAsync(revoked.Name, cancellationToken))
            {
                _cutsLeft.TryAdd(revoked.Name, Cuts);
            }
        }

        // Clocks of silos differ; to look back a little costs a repeated take-over at most.
        _since = now - (2 * CertificateLimits.LookEvery);
        foreach (var (name, left) in _cutsLeft.ToArray())
        {
            await CutAsync(name, cancellationToken);
            if (left > 1)
            {
                _cutsLeft[name] = left - 1;
            }
            else
            {
                _cutsLeft.Remove(name);
            }
        }
    }

    private Task CutAsync(string name, CancellationToken cancellationToken) => Task.WhenAll(ingress.Brokers.Select(broker => CutAsync(broker, name, cancellationToken)));

    private async Task CutAsync(BrokerAddress broker, string name, CancellationToken cancellationToken)
    {
        try
        {
            await using var taken = await connector.ConnectAsync(new BrokerSession { Broker = broker, Tls = ingress.Tls, ClientId = name, SessionExpiry = TimeSpan.Zero }, cancellationToken);
            await taken.DisconnectAsync(cancellationToken);
            LogCut(name);
        }
        catch (DrException exception) when (exception.IsTransient)
        {
            LogCutFailed(name, exception.Message);
        }
    }

    private async Task RunCommandAsync(CancellationToken cancellationToken)
    {
        if (options.ListCommand is not { } command)
        {
            return;
        }

        using var process = Process.Start(new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", command }, UseShellExecute = false, RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })!;
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(CertificateLimits.CommandWithin);
        try
        {
            process.StandardInput.Close();
            var (said, error) = (process.StandardOutput.ReadToEndAsync(deadline.Token), process.StandardError.ReadToEndAsync(deadline.Token));
            await process.WaitForExitAsync(deadline.Token);
            if (process.ExitCode != 0)
            {
                throw new DrException($"--crl-command ended with status {process.ExitCode}: {(await error).Trim()} {(await said).Trim()}".Trim());
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            process.Kill(entireProcessTree: true);
            throw new DrException($"--crl-command did not end within {CertificateLimits.CommandWithin.TotalSeconds:0} s.");
        }
    }

    [LoggerMessage(3871, LogLevel.Information, "Revocation list {Number} is in force; it withdraws {Count} certificates")]
    private partial void LogInForce(long number, int count);

    [LoggerMessage(3872, LogLevel.Warning, "A round of the revocation watch failed; the next follows: {Reason}")]
    private partial void LogRoundFailed(string reason);

    [LoggerMessage(3875, LogLevel.Error, "Revocation list {Number} did not get to the broker, which may let revoked devices in: {Reason}")]
    private partial void LogNotPublished(long number, string reason);

    [LoggerMessage(3873, LogLevel.Warning, "The certificate of {Device} was revoked: its session at the broker was taken over and ended")]
    private partial void LogCut(string device);

    [LoggerMessage(3874, LogLevel.Warning, "The session of {Device}, whose certificate was revoked, could not be ended: {Reason}")]
    private partial void LogCutFailed(string device, string reason);
}
