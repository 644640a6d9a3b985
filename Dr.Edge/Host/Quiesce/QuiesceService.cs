using Dr.Edge.Host.Config;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Host.Quiesce;

/// <summary>Finds the provider of the system on a volume, holds it to its deadline, and turns a failure into an honest mark.</summary>
internal sealed partial class QuiesceService(HostedSystems systems, TimeProvider time, ILogger<QuiesceService> logger) : IQuiesce
{
    public async Task<IQuiesceWindow> EnterAsync(string volume, CancellationToken cancellationToken)
    {
        if (systems.All.FirstOrDefault(s => s.CurrentVolume == volume) is not { } session)
        {
            return new OpenWindow(QuiesceMark.Crash("no system of this machine uses the volume"));
        }

        if (session.System.Quiesce is not { } options)
        {
            return new OpenWindow(QuiesceMark.Crash($"system {session.System.Id} has no quiesce provider"));
        }

        if (!session.IsMonitored)
        {
            return new OpenWindow(QuiesceMark.Crash($"system {session.System.Id} is not running here"));
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(options.Timeout);
        try
        {
            return await Provider(session, options).EnterAsync(deadline.Token);
        }
        catch (DrException exception)
        {
            LogMissed(session.System.Id, exception.Message);
            return new OpenWindow(QuiesceMark.Crash(exception.Message));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            var reason = $"{options.Provider}: not quiet within {options.Timeout.TotalSeconds:0.#} s";
            LogMissed(session.System.Id, reason);
            return new OpenWindow(QuiesceMark.Crash(reason));
        }
    }

    private IQuiesceProvider Provider(HostedSystemSession session, QuiesceOptions options)
    {
        var log = systems.PathsOf(session.System).LogOf("quiesce");
        return options.Provider switch
        {
            QuiesceOptions.PostgreSqlProvider => new PostgreSqlQuiesce(Connection(session, options), session.System.Mount!, options.Timeout, time),
            QuiesceOptions.MariaDbProvider => new MariaDbQuiesce(Connection(session, options), session.System.Mount!, options.Timeout, time),
            QuiesceOptions.FileSystemProvider => FreezeQuiesce.OfFileSystem(session.System.Mount!, options.Timeout, log, time),
            QuiesceOptions.CommandProvider => new FreezeQuiesce("command pair", options.Freeze!, options.Thaw!, options.Timeout, log, time),
            _ => throw new DrException($"Quiesce provider '{options.Provider}' is not known."),
        };
    }

    private static string Connection(HostedSystemSession session, QuiesceOptions options) =>
        options.Connection ?? session.Drivers.First(d => d.Options.Kind == options.Provider).DefaultConnection!;

    [LoggerMessage(1421, LogLevel.Warning, "System {System}: a point is only crash-consistent: {Reason}")]
    private partial void LogMissed(string system, string reason);
}
