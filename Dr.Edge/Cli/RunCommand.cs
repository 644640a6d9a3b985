using System.CommandLine;
using Dr.Contracts.Hosting;
using Dr.Edge.Enrolment;
using Dr.Edge.Hosting;
using Dr.Edge.Nbd.Tls;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Hosting;

namespace Dr.Edge.Cli;

/// <summary><c>dr-edge run</c>: serves until SIGTERM or Ctrl-C.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var data = new Option<string?>("--data") { Description = "Data directory; one dr-edge at a time.", HelpName = "DIR" };
        var nbd = new Option<string?>("--nbd") { Description = "Serve NBD over TCP here; port 0 takes a free one.", HelpName = "HOST:PORT" };
        var nbdSocket = new Option<string?>("--nbd-socket") { Description = "Serve NBD on this Unix socket.", HelpName = "PATH" };
        var tls = new Option<NbdTlsMode?>("--nbd-tls") { Description = "TLS for NBD clients (default: require when there is a certificate).", HelpName = "off|allow|require" };
        var tlsCertificate = new Option<string?>("--nbd-tls-certificate") { Description = "The server's certificate, PEM.", HelpName = "FILE" };
        var tlsKey = new Option<string?>("--nbd-tls-key") { Description = "Its private key, PEM.", HelpName = "FILE" };
        var tlsClientCa = new Option<string?>("--nbd-tls-client-ca") { Description = "CA that clients' certificates must come from, PEM.", HelpName = "FILE" };
        var replication = new Option<string?>("--replication") { Description = "Accept copies from peers here.", HelpName = "HOST:PORT" };
        var control = new Option<string?>("--control") { Description = "Unix socket for the commands (default: control.sock in the data directory).", HelpName = "PATH" };
        var metrics = new Option<string?>("--metrics") { Description = "Serve Prometheus metrics on this loopback address too (the control socket always does).", HelpName = "HOST:PORT" };
        var points = new Option<string?>("--points") { Description = "Time between automatic points of volumes that say nothing else (default: 5m); 'off' = none.", HelpName = "TIME|off" };
        var config = new Option<string?>("--config") { Description = "YAML configuration; flags win over it.", HelpName = "FILE" };
        var command = new Command("run", "Serve the volumes of a data directory; prints \"ready\" once it does.") { data, nbd, nbdSocket, tls, tlsCertificate, tlsKey, tlsClientCa, replication, control, metrics, points, config };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var settings = parsed.GetValue(config) is { } file ? EdgeConfigFile.Read(file) : new EdgeConfig();
            settings.Data = parsed.GetValue(data) ?? settings.Data;
            settings.Nbd.Listen = parsed.GetValue(nbd) ?? settings.Nbd.Listen;
            settings.Nbd.Socket = parsed.GetValue(nbdSocket) ?? settings.Nbd.Socket;
            settings.Nbd.Tls.Mode = parsed.GetValue(tls) ?? settings.Nbd.Tls.Mode;
            settings.Nbd.Tls.Certificate = parsed.GetValue(tlsCertificate) ?? settings.Nbd.Tls.Certificate;
            settings.Nbd.Tls.Key = parsed.GetValue(tlsKey) ?? settings.Nbd.Tls.Key;
            settings.Nbd.Tls.ClientCa = parsed.GetValue(tlsClientCa) ?? settings.Nbd.Tls.ClientCa;
            settings.Replication.Listen = parsed.GetValue(replication) ?? settings.Replication.Listen;
            settings.Metrics.Listen = parsed.GetValue(metrics) ?? settings.Metrics.Listen;
            settings.Points.Every = parsed.GetValue(points) ?? settings.Points.Every;
            settings.Control = parsed.GetValue(control) ?? settings.Control;
            if (settings.Data.Length == 0)
            {
                throw new UsageException("No data directory was given.", "Say where with --data DIR or 'data:' in the configuration.");
            }

            // Unix sockets want absolute paths, and nothing may depend on a working directory that changes.
            settings.Data = Path.GetFullPath(settings.Data);
            settings.ApplyIdentity();
            settings.Control = settings.Control is { } path ? Path.GetFullPath(path) : null;
            settings.Nbd.Socket = settings.Nbd.Socket is { } socket ? Path.GetFullPath(socket) : null;

            await RunAsync(settings, cancellationToken);
            return ProgramShell.Done;
        });
        return command;
    }

    private static async Task RunAsync(EdgeConfig config, CancellationToken cancellationToken)
    {
        await using var app = EdgeApp.Build(config);
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            throw new DrException($"dr-edge cannot start: {exception.Message}", "Is an address or a socket path taken by another process?", exception);
        }

        Console.Out.WriteLine("ready");
        await Console.Out.FlushAsync(CancellationToken.None);
        await app.WaitForEndAsync(cancellationToken);
    }
}
