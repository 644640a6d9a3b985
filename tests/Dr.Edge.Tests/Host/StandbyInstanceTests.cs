using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Host;
using Dr.Edge.Host.Components;
using Dr.Edge.Host.Config;
using Dr.Edge.Host.Network;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Host;

/// <summary>A program without data of its own that runs at both sites: users are pointed at the other one, and nothing is started or stopped for it.</summary>
public sealed class StandbyInstanceTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("dr-standby-").FullName;
    private readonly ServingWatch _watch = new(TimeProvider.System);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_instance_that_users_are_pointed_at_serves_under_the_new_epoch_and_is_not_taken_down_for_the_old()
    {
        using var standby = Session("backup");
        await standby.StartAsync(Epoch.First, Ignore, default);
        await standby.ReadNetworkAsync(default);
        standby.Objection(_watch, new Epoch(2)).ShouldBeNull("it serves nobody yet, whoever owns the system");

        (await standby.ApplyNetworkAsync(true, new Epoch(2), Ignore, default)).Health.State.ShouldBe(HealthState.Running);

        standby.State.StartedAt.ShouldBe(new Epoch(2));
        standby.Objection(_watch, new Epoch(2)).ShouldBeNull();
        File.ReadAllLines(Path.Combine(_folder, "backup.starts")).Length.ShouldBe(1, "it ran there already");
        standby.Objection(_watch, new Epoch(3)).ShouldNotBeNull("users are pointed at it, and another owns the system");
    }

    [Fact]
    public async Task An_owner_that_learns_of_another_is_taken_down_while_users_are_pointed_at_it()
    {
        using var owner = Session("production");
        await owner.PrepareAsync(Epoch.First, Ignore, default);
        owner.Objection(_watch, Epoch.First).ShouldBeNull();
        owner.Objection(_watch, new Epoch(2)).ShouldNotBeNull();
        await owner.ApplyNetworkAsync(false, new Epoch(2), Ignore, default);
        owner.Objection(_watch, new Epoch(2)).ShouldBeNull("it stands by");
    }

    private HostedSystemSession Session(string site)
    {
        string File(string what) => Path.Combine(_folder, $"{site}.{what}");
        System.IO.File.WriteAllText(File("priority"), "0");
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
                    Start = $"echo . >> {File("starts")}; touch {File("run")}",
                    Stop = $"rm -f {File("run")}",
                    Check = new CheckOptions { Command = $"test -e {File("run")}", Period = TimeSpan.FromSeconds(1) },
                },
            ],
            Network = [new NetworkActionOptions { Kind = NetworkActionOptions.CommandKind, Apply = $"echo 200 > {File("priority")}", Remove = $"echo 0 > {File("priority")}", Read = $"grep -qs 200 {File("priority")}" }],
        };
        return new HostedSystemSession(system, Path.Combine(_folder, $"{site}-data"), "unix:/none", () => { }, TimeProvider.System, NullLogger.Instance);
    }

    private static void Ignore(string step)
    {
    }
}
