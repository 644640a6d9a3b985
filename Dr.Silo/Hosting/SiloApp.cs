using System.Net;
using Dr.Contracts.Hosting;
using Dr.Contracts.Mqtt.Client;
using Dr.Contracts.Tls;
using Dr.Silo.Access;
using Dr.Silo.Alerts;
using Dr.Silo.Api;
using Dr.Silo.Certificates;
using Dr.Silo.Cluster;
using Dr.Silo.Grains;
using Dr.Silo.Ingress;
using Dr.Silo.Storage;
using Dr.Silo.Tracing;
using Dr.Silo.WebConsole;
using Orleans.Dashboard;

namespace Dr.Silo.Hosting;

/// <summary>Composes one <c>dr-silo run</c>: storage, Orleans, ingress, admin API and console in one host.</summary>
internal static class SiloApp
{
    /// <summary>Builds the host without starting it; the database has the shape that this version needs when this returns.</summary>
    public static async Task<WebApplication> BuildAsync(SiloOptions options, SiloPlan plan, CancellationToken cancellationToken)
    {
        HttpListener.Check(options);
        var database = OpenDatabase(options);
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders();
        // Standard output belongs to "ready"; logs go to standard error.
        builder.Logging.AddSimpleConsole(o => { o.SingleLine = true; o.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ "; o.UseUtcTimestamp = true; });
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("Orleans", LogLevel.Warning);
        builder.Logging.AddFilter("Dr.Silo.Access.DrAuthenticationHandler", LogLevel.Warning); // Says at Information that a caller was not signed in.
        builder.Logging.AddFilter("Polly", LogLevel.Warning);
        builder.Host.UseSystemd();
        builder.Services.AddWatchdog();
        var isTraced = builder.AddTraces(options.Tracing);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));

        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(plan);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddStorage(database);
        var logger = new HostLogger();
        var revocations = new Revocations();
        builder.AddDrOrleans(database, new SiloEndpoint
        {
            ClusterId = options.ClusterId,
            Address = AddressOf(options.SiloAddress),
            Tls = TlsOf(options, logger),
            Dashboard = options.Dashboard,
            Logger = logger,
            SiloPort = options.SiloPort == 0 ? FreePort() : options.SiloPort,
            GatewayPort = options.GatewayPort == 0 ? FreePort() : options.GatewayPort,
        });
        if (options is { IsCluster: true, Brokers.Count: > 0 })
        {
            // The embedded broker has only its own devices, so its silo hears all of them.
            builder.Services.AddSingleton<IPartitionShare>(services => services.GetRequiredService<ClusterShare>());
        }

        builder.Services.AddHostedService<ConfigurationService>();
        builder.Services.AddIngress(new IngressOptions
        {
            Listen = options.MqttListen is null ? null : EndPointOf(options.MqttListen, "--mqtt-listen"),
            Brokers = [.. options.Brokers.Select(broker => BrokerAddress.Parse(broker, tls: options.MqttTlsCertificate is not null))],
            Tls = MqttTlsOf(options, revocations, logger),
        });
        builder.Services.AddSingleton(revocations);
        builder.Services.AddCertificates(CertificatesOf(options));
        builder.Services.AddAccess(options.Access with { FirstAdminFile = options.Access.FirstAdminFile ?? (options.DataDirectory is { } data ? Path.Combine(data, "first-admin.token") : null) });
        builder.Services.AddAlerts(options.Alerts);
        builder.Services.AddApi();
        builder.Services.AddConsole();

        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => HttpListener.Configure(kestrel, options, logger));

        await new Migrator(database).ApplyAsync(cancellationToken);
        var app = builder.Build();
        logger.Use(app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Dr.Silo.Tls"));
        if (isTraced)
        {
            app.UseRequestTraces();
        }

        app.UseExceptionHandler();
        app.UseStatusCodePages();
        app.UseAuthentication();
        app.UseForgeryGuard();
        app.UseAuthorization();
        app.MapApi();
        app.MapGroup("").Requires(Role.Viewer).MapConsole();
        if (options.Dashboard)
        {
            app.MapGroup("").Requires(Role.Admin).MapOrleansDashboard("/dashboard");
        }

        app.MapSignIn(app.Services.GetRequiredService<AccessStore>().HasUsersAsync);
        return app;
    }

    private static TlsFiles? TlsOf(SiloOptions options, ILogger logger)
    {
        string?[] all = [options.SiloTlsCertificate, options.SiloTlsKey, options.SiloTlsCa];
        if (Array.TrueForAll(all, string.IsNullOrEmpty))
        {
            return null;
        }

        return Array.Exists(all, string.IsNullOrEmpty)
            ? throw new Contracts.Cli.UsageException("TLS between silos needs a certificate, its key and the CA of the silos.", "Give --silo-tls-certificate, --silo-tls-key and --silo-tls-ca, or none of them.")
            : new TlsFiles(options.SiloTlsCertificate!, options.SiloTlsKey!, options.SiloTlsCa, logger);
    }

    private static IPAddress AddressOf(string text) => IPAddress.TryParse(text, out var address) && !address.Equals(IPAddress.Any) && !address.Equals(IPAddress.IPv6Any)
        ? address
        : throw new Contracts.Cli.UsageException($"--silo-address: '{text}' is not an address of this machine.", "Write the address by which the other silos reach it, for example 10.0.0.11.");

    internal static IPEndPoint EndPointOf(string text, string option) =>
        IPEndPoint.TryParse(text.Replace("localhost", "127.0.0.1", StringComparison.Ordinal), out var endPoint) && text.Contains(':', StringComparison.Ordinal)
            ? endPoint
            : throw new Contracts.Cli.UsageException($"{option}: '{text}' is not HOST:PORT.", "Write an address and a port, for example 127.0.0.1:8480.");

    // Orleans must know its port before it listens, so a free one is asked for and given back; somebody else may take it in between, and then the start fails.
    private static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <exception cref="DrException">Files are missing or cannot be used, or the certificate is not the control plane's.</exception>
    private static BrokerTls? MqttTlsOf(SiloOptions options, Revocations revocations, ILogger logger)
    {
        var tls = BrokerTls.Create(options.MqttTlsCertificate, options.MqttTlsKey, options.MqttTlsCa, "--mqtt-tls-certificate, --mqtt-tls-key and --mqtt-tls-ca", TimeProvider.System, logger, revocations);
        return tls is null || CertificateCheck.CommonNameOf(tls.Current.Own.TargetCertificate) == TopicAccess.ControlPlane
            ? tls
            : throw new DrException(
                $"The certificate {options.MqttTlsCertificate} has the common name {CertificateCheck.CommonNameOf(tls.Current.Own.TargetCertificate) ?? "of nobody"}.",
                $"Brokers know the control plane by the common name {TopicAccess.ControlPlane}.");
    }

    /// <summary>A CA that was made in the data directory is used without being named.</summary>
    private static CertificateOptions CertificatesOf(SiloOptions options) =>
        options.Certificates.Folder is null && options.DataDirectory is { } data && Path.Combine(data, CertificateOptions.FolderName) is var own && AuthorityFiles.IsThere(own)
            ? options.Certificates with { Folder = own }
            : options.Certificates;

    private static Database OpenDatabase(SiloOptions options) => OpenDatabase(options.DataDirectory, options.Postgres);

    internal static Database OpenDatabase(string? data, string? postgres)
    {
        if (postgres is { } connection)
        {
            return new PostgresDatabase(connection);
        }

        var directory = data ?? throw new Contracts.Cli.UsageException("Where the store is, is missing.", "Give --data DIR (embedded) or --postgres CONNECTION.");
        Directory.CreateDirectory(directory);
        return new SqliteDatabase(Path.Combine(directory, "silo.db"));
    }
}
