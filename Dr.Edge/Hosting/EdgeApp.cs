using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Hosting;
using Dr.Edge.Archives;
using Dr.Edge.Cli;
using Dr.Edge.Enrolment;
using Dr.Edge.Host;
using Dr.Edge.Hosting.Metrics;
using Dr.Edge.Kiosk;
using Dr.Edge.Link;
using Dr.Edge.Nbd;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Hosting;

/// <summary>Composes one <c>dr-edge run</c>: one generic host, every part a module, HTTP on the Unix control socket.</summary>
internal static class EdgeApp
{
    /// <summary>Builds the host without starting it; the data directory is locked and the volumes are open when this returns.</summary>
    public static WebApplication Build(EdgeConfig config)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders();
        // Standard output belongs to "ready" and to what commands show; logs go to standard error.
        builder.Logging.AddSimpleConsole(o => { o.SingleLine = true; o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ "; o.UseUtcTimestamp = true; });
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Host.UseSystemd();
        builder.Services.AddWatchdog();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));

        builder.Services.AddSingleton(config);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddEnrolment(config);
        var isKioskAlone = config.IsKioskAlone;
        if (isKioskAlone)
        {
            builder.Services.AddSingleton<DataLock>();
        }
        else if (OperatingSystem.IsLinux())
        {
            builder.Services.AddVolumes(config);
            builder.Services.AddNbd(config);
            builder.Services.AddReplication(config);
        }
        else
        {
            throw new DrException("Volumes and business systems need Linux.", "Here dr-edge runs as a kiosk: 'roles: [kiosk]', without nbd: and replication:.");
        }

        builder.Services.AddLink(config);
        if (!isKioskAlone)
        {
            builder.Services.AddHost(config);
        }

        builder.Services.AddKiosk(config);
        builder.Services.AddEdgeMetrics();

        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            if (Socket.OSSupportsUnixDomainSockets)
            {
                kestrel.ListenUnixSocket(config.ControlPath, listen => listen.Protocols = HttpProtocols.Http1);
            }
            else
            {
                // An old Windows: the commands reach nothing, and what is listened on in place of it serves measurements only.
                kestrel.Listen(IPAddress.Loopback, 0);
            }

            kestrel.ListenForMetrics(config);
            kestrel.Limits.MaxRequestBodySize = null;
        });

        var app = builder.Build();

        // First of all the lock on the data directory: a second process must not get as far as the first one's sockets. With it held, a socket that is left is from a crash.
        _ = isKioskAlone ? (object)app.Services.GetRequiredService<DataLock>() : app.Services.GetRequiredService<VolumeSet>();
        File.Delete(config.ControlPath);
        app.UseMetrics();
        app.UseControlErrors();
        if (!isKioskAlone)
        {
            app.MapVolumes();
            app.MapArchives();
            app.MapNbd();
            app.MapReplication();
            app.MapHost();
        }

        app.MapLink();
        app.Services.GetRequiredService<CertificateInstruments>(); // Measured from the start on, not from when somebody asks.
        app.MapKiosk();
        return app;
    }
}
