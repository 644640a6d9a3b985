using System.Net;
using Dr.Contracts.Tls;
using Dr.Silo.Cluster;
using Dr.Silo.Storage;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Dashboard;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Orleans.Serialization;
using Orleans.Storage;

namespace Dr.Silo.Grains;

/// <summary>Where this silo is in its cluster. Only an address matters on SQLite, where it is alone.</summary>
public sealed record SiloEndpoint
{
    public string ClusterId { get; init; } = "dr";

    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>Between silos; taken by Orleans, so it must be free.</summary>
    public required int SiloPort { get; init; }

    /// <summary>For clients of the cluster; 0 = none.</summary>
    public int GatewayPort { get; init; }

    /// <summary>Measures every call for the dashboard.</summary>
    public bool Dashboard { get; init; }

    /// <summary>What this silo shows to the others and whom it trusts; null = the network between them is trusted.</summary>
    public TlsFiles? Tls { get; init; }

    public ILogger Logger { get; init; } = Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;
}

/// <summary>Orleans on our database: membership, grain state and reminders on PostgreSQL; alone, with grain state in one file, on SQLite.</summary>
public static class OrleansModule
{
    /// <summary>The deadline of a call that names none: as long as the longest wait for the database.</summary>
    private static readonly TimeSpan CallLimit = TimeSpan.FromSeconds(10);

    public static void AddDrOrleans(this IHostApplicationBuilder builder, Database database, SiloEndpoint endpoint)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(endpoint);
        builder.Services.AddDrGrains(database);
        builder.UseOrleans(silo => silo.ConfigureDr(database, endpoint));
        builder.Services.AddHostedService<WakerService>();
    }

    /// <summary>What the grains need besides Orleans.</summary>
    internal static IServiceCollection AddDrGrains(this IServiceCollection services, Database database)
    {
        services.TryAddSingleton(TimeProvider.System);
        if (!services.Any(s => s.ServiceType == typeof(Database)))
        {
            services.AddStorage(database);
        }

        services.AddSingleton(new ControlPlaneTraits(Reminders: database.Kind == DatabaseKind.PostgreSql));
        services.AddSingleton<GrainConfigurator>();
        services.AddSingleton<DetectorBook>();
        services.AddHostedService<DetectorReportService>();
        services.AddSingleton<ObserverHealth>();
        services.AddHostedService(provider => provider.GetRequiredService<ObserverHealth>());
        return services;
    }

    internal static void ConfigureDr(this ISiloBuilder silo, Database database, SiloEndpoint endpoint)
    {
        silo.Configure<ClusterOptions>(options => (options.ClusterId, options.ServiceId) = (endpoint.ClusterId, "dr"));
        if (database.Kind == DatabaseKind.Sqlite)
        {
            silo.UseLocalhostClustering(endpoint.SiloPort, endpoint.GatewayPort, serviceId: "dr", clusterId: endpoint.ClusterId);
        }
        else
        {
            silo.ConfigureEndpoints(endpoint.Address, endpoint.SiloPort, endpoint.GatewayPort);
            silo.UseAdoNetClustering(options => (options.Invariant, options.ConnectionString) = (database.Invariant, database.ConnectionString));
            silo.UseAdoNetReminderService(options => (options.Invariant, options.ConnectionString) = (database.Invariant, database.ConnectionString));
            silo.AddPulse();
            if (endpoint.Tls is { } tls)
            {
                silo.UseTls(tls, TimeProvider.System, endpoint.Logger);
            }
        }

        if (endpoint.Dashboard)
        {
            silo.AddDashboard();
        }

        // An error of ours, or of the database, on another silo is told as what it is; else its caller would hear that it could not be told, which nobody expects.
        silo.Services.Configure<ExceptionSerializationOptions>(options => options.SupportedNamespacePrefixes.UnionWith(["Dr.", "Npgsql", "Dapper"]));

        // Nobody waits for ever: whoever calls is asked again, or asks again, by then.
        silo.Configure<SiloMessagingOptions>(options => options.ResponseTimeout = CallLimit);
        silo.Configure<ClientMessagingOptions>(options => options.ResponseTimeout = CallLimit);
        silo.ConfigureDrState(database);
    }

    /// <summary>Grain state, serialized by Orleans' own serializer: ids and aliases, so that a state of an older version reads in a newer.</summary>
    internal static void ConfigureDrState(this ISiloBuilder silo, Database database)
    {
        if (database.Kind == DatabaseKind.Sqlite)
        {
            silo.Services.AddGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, (services, _) =>
                new SqliteGrainStorage(database, new OrleansGrainStorageSerializer(services.GetRequiredService<Serializer>()), services.GetRequiredService<IOptions<ClusterOptions>>()));
            return;
        }

        silo.AddAdoNetGrainStorageAsDefault(options => (options.Invariant, options.ConnectionString) = (database.Invariant, database.ConnectionString));
        silo.Services.AddOptions<AdoNetGrainStorageOptions>(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME)
            .Configure<Serializer>((options, serializer) => options.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer));
    }
}
