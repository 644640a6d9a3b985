using Dr.Contracts.Errors;
using Dr.Contracts.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Dr.Contracts.Tests.Hosting;

public sealed class HostEndTests
{
    [Fact]
    public async Task A_host_whose_service_failed_does_not_end_as_if_it_had_been_asked_to()
    {
        using var host = Build(_ => throw new NotSupportedException("a fault"));
        await host.StartAsync();
        var end = await Should.ThrowAsync<DrException>(() => host.WaitForEndAsync(CancellationToken.None));
        end.Message.ShouldContain(nameof(Service));
        end.Message.ShouldContain("NotSupportedException: a fault");
        end.InnerException.ShouldBeOfType<NotSupportedException>();
    }

    [Fact]
    public async Task A_host_that_was_asked_to_stop_ends_well()
    {
        using var host = Build(stopping => Task.Delay(Timeout.InfiniteTimeSpan, stopping));
        await host.StartAsync();
        host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        await host.WaitForEndAsync(CancellationToken.None);
    }

    private static IHost Build(Func<CancellationToken, Task> work)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddHostedService(_ => new Service(work));
        return builder.Build();
    }

    private sealed class Service(Func<CancellationToken, Task> work) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await Task.Yield();
            await work(stoppingToken);
        }
    }
}
