using Microsoft.Extensions.Logging;

namespace Dr.Edge.Nbd;

/// <summary>What it logs: in one place, so that one source gives one program whatever order a generator takes files in.</summary>
internal sealed partial class NbdTransmissionSession
{
    [LoggerMessage(1211, LogLevel.Warning, "{Peer} sent something that is no request on {Export}; its connection is dropped")]
    private partial void LogOutOfStep(string peer, string export);

    [LoggerMessage(1212, LogLevel.Warning, "{Command} on {Export} for {Peer} failed, answered {Error}; equal ones that follow are not logged")]
    private partial void LogFailed(Exception? exception, NbdCommand command, string export, string peer, NbdError error);

    [LoggerMessage(1213, LogLevel.Warning, "The right to serve {Export} lapsed while {Count} answers to {Peer} were on their way: they are answered with an error")]
    private partial void LogWithdrawn(int count, string export, string peer);
}
