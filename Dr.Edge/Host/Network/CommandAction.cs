using Dr.Edge.Host.Config;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Host.Network;

/// <summary>Commands of the operator: for a load balancer, a name server, a router. They get the epoch as <c>DR_EPOCH</c>, to refuse lower ones themselves.</summary>
internal sealed class CommandAction(NetworkActionOptions options) : INetworkAction
{
    private const int NotInForce = 1;

    public string Name => $"command '{options.Apply}'";

    public async Task<bool> ReadAsync(CancellationToken cancellationToken)
    {
        var result = await RunAsync(options.Read!, null, cancellationToken);
        return result.ExitCode != NotInForce && result.Require("Reading back a network action", "Its 'read' must end with 0 when it is in force and with 1 when it is not.").Succeeded;
    }

    public async Task ApplyAsync(Epoch epoch, CancellationToken cancellationToken) =>
        (await RunAsync(options.Apply!, epoch, cancellationToken)).Require("Applying a network action");

    public async Task RemoveAsync(Epoch epoch, CancellationToken cancellationToken) =>
        (await RunAsync(options.Remove!, epoch, cancellationToken)).Require("Removing a network action");

    private Task<ProgramResult> RunAsync(string commandLine, Epoch? epoch, CancellationToken cancellationToken) =>
        ProgramRunner.ShellAsync(epoch is { } known ? $"export DR_EPOCH={known}; {commandLine}" : commandLine, OsUser.Root, options.Timeout, cancellationToken);
}
