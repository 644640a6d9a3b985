using Dr.Silo.Grains;

namespace Dr.Silo.Hosting;

/// <summary>Hands the plan over to the grains once the silo has started and before devices are heard. A plan that cannot be handed over ends the start.</summary>
internal sealed class ConfigurationService(GrainConfigurator configurator, SiloPlan plan) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => configurator.ApplyAsync(plan.Sites, plan.Devices, plan.Systems, cancellationToken, plan.Capacities);

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
