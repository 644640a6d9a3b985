using System.CommandLine;
using Dr.Edge.Nbd;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Benchmarks;

/// <summary><c>dr-bench serve-raw FILE SOCKET</c>: the server that <see cref="SessionPeer"/> measures, in a process of its own like the others.</summary>
internal static class ServeRawCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo>("file");
        var socket = new Argument<string>("socket");
        var command = new Command("serve-raw", "Serve a plain file with our NBD session, to see what the session costs without the store.") { file, socket };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var device = new RawFileDevice(parsed.GetValue(file)!.FullName);
            using var server = new NbdServer(
                new RawFileCatalog(device), new NbdConfig { Socket = parsed.GetValue(socket) }, new NbdLimits(), TimeProvider.System, NullLogger<NbdServer>.Instance);
            await server.StartAsync(cancellationToken);
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await server.StopAsync(CancellationToken.None);
        });
        return command;
    }
}
