using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Enrolment;

/// <summary>Gets the next certificate after two thirds of the present one's life, and tries until it has it. Who reads the files notices by itself; live connections go on with what they began with.</summary>
internal sealed partial class RenewalService(IdentityFiles files, Enroller enroller, CertificateState state, TimeProvider time, ILogger<RenewalService> logger) : BackgroundService
{
    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);

    /// <summary>Part of the time that is left between two attempts: some 20 of them, however short the life.</summary>
    private const int Attempts = 20;

    /// <summary>A timer's reach is some 49 days; the rest is waited for afterwards.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    /// <summary>When to ask next. Devices that enrolled together spread over a twentieth of the time between <see cref="DeviceIdentity.RenewAfter"/> and the end. Pure.</summary>
    internal static TimeSpan Pause(DeviceIdentity identity, DateTimeOffset now, int failures, double random)
    {
        var left = identity.NotAfter - identity.RenewAfter;
        var pause = failures == 0
            ? identity.RenewAfter + (left * (random / Attempts)) - now
            : Clamp((identity.NotAfter - now) / Attempts, ShortestPause, LongestPause) * (0.5 + (random / 2));
        return Clamp(pause, TimeSpan.Zero, LongestWait);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var failures = 0;
        var notAfter = default(DateTimeOffset);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                var identity = files.Read()!;
                notAfter = identity.NotAfter;
                state.Holds(identity);
                await Task.Delay(Pause(identity, time.GetUtcNow(), failures, Random.Shared.NextDouble()), time, stoppingToken);

                // Read again: somebody may have renewed or enrolled by hand meanwhile.
                identity = files.Read()!;
                if (time.GetUtcNow() < identity.RenewAfter)
                {
                    if (identity.NotAfter != notAfter)
                    {
                        failures = 0;
                        state.Renewed(identity);
                    }

                    continue;
                }

                // What it enrolled with it renews with, plain HTTP included: the token was worth more than this.
                var next = await enroller.RenewAsync(identity, allowPlain: true, stoppingToken);
                failures = 0;
                state.Renewed(next);
                LogRenewed(next.NotAfter);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is not InvariantException)
            {
                // Whatever it is, a full disk too: the present certificate goes on, and the next attempt follows.
                failures++;
                state.Failed(exception.Message);
                LogNotRenewed(exception.Message, notAfter);
                await Task.Delay(ShortestPause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static TimeSpan Clamp(TimeSpan value, TimeSpan least, TimeSpan most) => value < least ? least : value > most ? most : value;

    [LoggerMessage(1681, LogLevel.Information, "The certificate was renewed and is good until {NotAfter:O}")]
    private partial void LogRenewed(DateTimeOffset notAfter);

    [LoggerMessage(1682, LogLevel.Error, "The certificate could not be renewed ({Reason}); the present one ends at {NotAfter:O}, and the next attempt follows")]
    private partial void LogNotRenewed(string reason, DateTimeOffset notAfter);
}
