using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Config;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Host;

/// <summary>A system that may not serve any more and cannot be taken down at once: its agent's disk is full.</summary>
public sealed class SelfFencingTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-fencing-").FullName;
    private readonly ServingWatch _watch = new(TimeProvider.System);

    private string StateFile => new HostPaths(Path.Combine(_folder, "data"), "web", "none").State;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_cannot_be_taken_down_while_the_disk_is_full_is_watched_and_taken_down_later()
    {
        using var session = Session();
        await session.PrepareAsync(Epoch.First, _ => { }, default);
        string? Objection() => session.Objection(_watch, new Epoch(2));
        Objection().ShouldNotBeNull();

        // Nothing can be written in its place: what a full disk or a read-only one comes to.
        Directory.CreateDirectory(StateFile + ".new");
        (await Should.ThrowAsync<DrException>(() => session.FenceAsync(Objection, default))).Message.ShouldContain("state.json");
        session.State.ShouldRun.ShouldBeTrue("what is not on disk is not so");
        Objection().ShouldNotBeNull("it is to be tried again");
        session.IsMonitored.ShouldBeTrue("it may be half down");
        await session.MonitorAsync(session.Drivers[0], default);
        session.Health.State.ShouldNotBe(HealthState.Running);

        Directory.Delete(StateFile + ".new");
        await session.FenceAsync(Objection, default);
        session.State.ShouldRun.ShouldBeFalse();
        session.Health.Components.Single(c => c.Name == "app").Detail!.ShouldContain("stopped by itself");
        Objection().ShouldBeNull();
    }

    private HostedSystemSession Session()
    {
        var run = Path.Combine(_folder, "run");
        var system = new SystemConfig
        {
            Id = "web",
            Lease = false,
            Components =
            [
                new ComponentOptions
                {
                    Name = "app",
                    Background = true,
                    Start = $"touch {run}",
                    Stop = $"rm -f {run}",
                    Check = new CheckOptions { Command = $"test -e {run}", Period = TimeSpan.FromSeconds(1), FailAfter = 1 },
                },
            ],
        };
        return new HostedSystemSession(system, Path.Combine(_folder, "data"), "unix:/none", () => { }, TimeProvider.System, NullLogger.Instance);
    }
}
