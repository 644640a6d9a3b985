using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Tls;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Enrolment;

/// <summary>
/// Keeps this device's copy of the revocation list: the one on disk from the start, then the control plane's, which an appliance asks for every few seconds because peers and hosts connect to it. While no control plane answers, the
/// last one known stays in force, however old: copies must go on when the control plane is down.
/// </summary>
internal sealed partial class RevocationFeed(IdentityFiles files, Revocations revocations, TimeProvider time, ILogger<RevocationFeed> logger) : BackgroundService
{
    /// <summary>A revoked appliance is cut within this time.</summary>
    private static readonly TimeSpan AppliancePeriod = TimeSpan.FromSeconds(3);

    /// <summary>Nobody connects to the others; they only want to know of a revoked broker.</summary>
    private static readonly TimeSpan OtherPeriod = TimeSpan.FromMinutes(15);

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        if (File.Exists(files.RevocationList))
        {
            Take(File.ReadAllText(files.RevocationList), keep: false);
        }

        return base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? tag = null;
        var isTold = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            var period = AppliancePeriod;
            try
            {
                var identity = files.Read()!;
                period = identity.Role == "appliance" ? AppliancePeriod : OtherPeriod;
                var trusted = files.TrustedSilos();
                var answer = await Enroller.FirstAsync(identity.Silos, silo => new EnrolmentClient(silo, trusted, time, allowPlain: true), (client, stop) => client.ListAsync(tag, stop), stoppingToken);
                if (answer is var (list, newTag))
                {
                    Take(list.List, keep: true);
                    tag = newTag;
                }

                isTold = false;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is not InvariantException)
            {
                // Whatever it is, a full disk too: volumes are served on, with the list that is known.
                if (!isTold)
                {
                    LogNotFetched(exception.Message);
                }

                isTold = true;
            }

            await Task.Delay(period, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Take(string pem, bool keep)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(files.Authority);
            var list = Contracts.Tls.RevocationList.Read(pem, authorities);

            // On the disk first: what was refused once is refused after a restart, too.
            if (keep && (revocations.Current is null || revocations.Current.Number < list.Number))
            {
                Keep(pem);
            }

            if (revocations.Take(list))
            {
                LogInForce((long)list.Number, list.Count);
            }
        }
        catch (DrException exception)
        {
            LogNotTaken(exception.Message);
        }
    }

    private void Keep(string pem)
    {
        try
        {
            files.WriteList(pem);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // In force now all the same; after a restart the one before holds until this one is fetched again.
            LogNotKept(exception.Message);
        }
    }

    [LoggerMessage(1686, LogLevel.Error, "The revocation list is in force but could not be written, so a restart would not know it until it is fetched again: {Reason}")]
    private partial void LogNotKept(string reason);

    [LoggerMessage(1683, LogLevel.Information, "Revocation list {Number} is in force; it withdraws {Count} certificates")]
    private partial void LogInForce(long number, int count);

    [LoggerMessage(1684, LogLevel.Warning, "The revocation list cannot be fetched; the one known stays in force: {Reason}")]
    private partial void LogNotFetched(string reason);

    [LoggerMessage(1685, LogLevel.Error, "A revocation list was not taken; the one known stays in force: {Reason}")]
    private partial void LogNotTaken(string reason);
}
