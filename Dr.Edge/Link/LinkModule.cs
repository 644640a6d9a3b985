using System.Reflection;
using Dr.Contracts.Mqtt.Client;
using Dr.Contracts.Tls;
using Dr.Edge.Buffers;
using Dr.Edge.Enrolment;
using Dr.Edge.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Link;

/// <summary>The link to the control plane and the buffers under it. Without brokers there is no link; the buffers and the epoch memory are there all the same.</summary>
internal static class LinkModule
{
    public static void AddLink(this IServiceCollection services, EdgeConfig config)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<LinkState>();
        services.AddSingleton(provider => new EdgeBuffer(
            new BufferOptions { Directory = Path.Combine(config.Data, "link") },
            provider.GetRequiredService<LinkState>().BootId,
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<EdgeBuffer>>()));
        services.AddSingleton<IOutbox>(provider => provider.GetRequiredService<EdgeBuffer>());
        services.AddSingleton<IBeatContributor, OutboxLoadContributor>();
        services.AddSingleton<StoredEpochMemory>();
        services.AddSingleton<EpochMemory>(provider => provider.GetRequiredService<StoredEpochMemory>());
        services.AddSingleton<BeatTrigger>();
        services.AddSingleton<IBeatTrigger>(provider => provider.GetRequiredService<BeatTrigger>());
        services.AddSingleton<ServerClock>();
        services.AddSingleton<ICommandExecutor, DetectionTestExecutor>();
        services.AddSingleton<CommandService>();
        services.AddHostedService<BufferStartup>();
        if (config.Brokers.Count > 0)
        {
            services.AddSingleton(OptionsOf(config));
            services.AddBrokerTls(config);
            services.TryAddSingleton<IBrokerConnector, BrokerConnector>();
            services.AddHostedService<LinkService>();
        }
    }

    public static void MapLink(this IEndpointRouteBuilder routes) => routes.MapGet("/link", context =>
    {
        var state = context.RequestServices.GetRequiredService<LinkState>();
        var certificate = context.RequestServices.GetRequiredService<CertificateState>();
        var view = new LinkView(state.Connected, state.DeviceEpoch, state.Config.Version, state.LastTrouble)
        {
            CertificateEnds = certificate.EndsAt,
            CertificateProblem = certificate.Problem,
        };
        return context.Response.WriteAsJsonAsync(view, LinkJson.Default.LinkView, cancellationToken: context.RequestAborted);
    });

    private static void AddBrokerTls(this IServiceCollection services, EdgeConfig config)
    {
        if (config.BrokerTls is { IsOn: true } files)
        {
            services.AddSingleton(provider => TlsOf(files, config, provider));
        }
    }

    /// <exception cref="DrException">Files are missing, cannot be used, or are another device's.</exception>
    private static BrokerTls TlsOf(BrokerTlsConfig files, EdgeConfig config, IServiceProvider services)
    {
        var tls = BrokerTls.Create(
            files.Certificate, files.Key, files.Ca, "'brokerTls: certificate', 'key' and 'ca'",
            services.GetRequiredService<TimeProvider>(), services.GetRequiredService<ILoggerFactory>().CreateLogger("Dr.Edge.Link.Tls"), services.GetService<Revocations>())!;

        // Brokers go by the certificate's name: with another's they would refuse every message, one by one.
        return CertificateCheck.CommonNameOf(tls.Current.Own.TargetCertificate) == config.Device
            ? tls
            : throw new DrException(
                $"The certificate {config.BrokerTls.Certificate} is {CertificateCheck.CommonNameOf(tls.Current.Own.TargetCertificate) ?? "nobody"}'s; this device is {config.Device}.",
                "Its common name must be the device's id.");
    }

    private static LinkOptions OptionsOf(EdgeConfig config)
    {
        if (!Names.IsValid(config.Device) || !Names.IsValid(config.Site))
        {
            throw new DrException("A device with brokers needs 'device' and 'site': names of letters, digits, '-', '_' and '.'.", "Add both to the configuration file, as the control plane's configuration names them.");
        }

        return new LinkOptions
        {
            Device = new DeviceId(config.Device),
            Site = new SiteId(config.Site),
            Roles = config.Roles,
            Brokers = [.. config.Brokers.Select(broker => BrokerAddress.Parse(broker, tls: config.BrokerTls.IsOn))],
            Systems = [.. config.Systems.Select(s => new SystemId(s.Id))],
            Software = $"dr-edge {typeof(LinkModule).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion}",
        };
    }
}
