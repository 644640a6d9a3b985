using Dr.Contracts.Grains;
using Dr.Contracts.Mqtt.Client;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Dr.Silo.Ingress;

/// <summary>What the ingress adds to the silo's host.</summary>
internal static class IngressModule
{
    /// <summary>Adds the embedded broker (when it is to listen), the ingress and the downlink. The ingress starts after the silo, so that the grains it calls are there.</summary>
    public static void AddIngress(this IServiceCollection services, IngressOptions options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<EmbeddedBroker>();
        services.TryAddSingleton<IPartitionShare, AllPartitions>();
        services.TryAddSingleton<IDeadLetters, LoggedDeadLetters>();
        services.TryAddSingleton<IDeviceCalls, GrainDeviceCalls>();
        services.TryAddSingleton<IBrokerConnector, BrokerConnector>();
        services.AddSingleton<IngressService>();
        services.AddSingleton<IDownlink>(provider => provider.GetRequiredService<IngressService>());
        services.AddHostedService(provider => provider.GetRequiredService<EmbeddedBroker>());
        services.AddHostedService(provider => provider.GetRequiredService<IngressService>());
    }
}
