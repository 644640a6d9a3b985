using Dr.Edge.Host.Checks;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;
using Dr.Edge.Host.Processes;

namespace Dr.Edge.Tests.Host.Checks;

public sealed class ComponentCheckTests
{
    [Fact]
    public async Task A_component_whose_process_cannot_even_be_looked_for_has_missed_its_check()
    {
        var outcome = await ComponentCheck.RunAsync(new Unobservable(), CancellationToken.None);
        (outcome.Verdict, outcome.Detail).ShouldBe((CheckVerdict.Missed, "Too many open files"));
    }

    private sealed class Unobservable : IComponentDriver
    {
        public ComponentOptions Options { get; } = new() { Name = "app" };

        public string? DefaultConnection => null;

        public Task<ComponentPresence> ObserveAsync(CancellationToken cancellationToken) => throw new IOException("Too many open files");

        public Task<string?> PrepareAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task StartAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task StopAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task KillAsync(CancellationToken cancellationToken) => throw new NotSupportedException();

        public IReadOnlyList<ProcessEntry> Processes() => [];
    }
}
