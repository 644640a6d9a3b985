using Dr.Contracts.Mqtt;
using Dr.Edge.Host.Quiesce;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Retention;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes.Retention;

/// <summary>The built-in policy at work: what a volume gets that nobody said anything about.</summary>
public sealed class PointScheduleServiceTests
{
    [Fact]
    public async Task A_volume_gets_points_every_five_minutes_in_which_something_was_written()
    {
        var hour = await PointsOfAnHourAsync(EffectivePolicy.BuiltIn, volume: null);
        hour.ShouldBe([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 10], "minutes 5 to 10, 10 to 15 and so on; nothing was written from minute 50 to 60");
    }

    [Fact]
    public async Task Off_is_off_for_the_appliance_and_for_a_volume()
    {
        var off = EffectivePolicy.BuiltIn.With(new VolumePolicy { PointsEvery = TimeSpan.Zero });
        (await PointsOfAnHourAsync(off, volume: null)).ShouldAllBe(count => count == 0);
        (await PointsOfAnHourAsync(EffectivePolicy.BuiltIn, new VolumePolicy { PointsEvery = TimeSpan.Zero })).ShouldAllBe(count => count == 0);
        (await PointsOfAnHourAsync(off, new VolumePolicy { PointsEvery = TimeSpan.FromMinutes(5) }))[^1].ShouldBe(10);
    }

    [Fact]
    public async Task A_volume_whose_quiet_moment_fails_as_none_should_does_not_keep_the_others_from_their_points()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        using var store = new StoreFixture(time: time);
        var volumes = new[] { "a", "b" }.Select(name => store.Set.Create(name, 64 * 4096)).ToList();
        await using var services = new ServiceCollection().AddSingleton<IQuiesce>(new FaultyFor("a")).BuildServiceProvider();
        using var schedule = new PointScheduleService(store.Set, time, services, NullLogger<PointScheduleService>.Instance);
        for (var minute = 0; minute < 11; minute++)
        {
            volumes.ForEach(volume => StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, minute)));
            await schedule.RunOnceAsync(TestContext.Current.CancellationToken);
            time.Advance(TimeSpan.FromMinutes(1));
        }

        volumes.Select(volume => volume.Points.Count > 0).ShouldBe([false, true]);
    }

    private sealed class FaultyFor(string name) : IQuiesce
    {
        public Task<IQuiesceWindow> EnterAsync(string volume, CancellationToken cancellationToken) =>
            volume == name ? throw new NotSupportedException("a fault that nobody thought of") : Task.FromResult<IQuiesceWindow>(new Window());

        private sealed class Window : IQuiesceWindow
        {
            public QuiesceMark Mark => QuiesceMark.Crash("a test");

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }

    /// <summary>How many points there are after every five minutes of an hour and five minutes; a write goes before each but the tenth and eleventh round.</summary>
    private static async Task<List<int>> PointsOfAnHourAsync(EffectivePolicy defaults, VolumePolicy? volume)
    {
        var directory = Directory.CreateTempSubdirectory("dr-points-").FullName;
        try
        {
            var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
            using var set = VolumeSet.Open(directory, time, StoreFaults.None, NullLogger.Instance, defaults, isPaced: false);
            var v = set.Create("v", 64 * 4096, volume);
            await using var services = new ServiceCollection().BuildServiceProvider();
            using var schedule = new PointScheduleService(set, time, services, NullLogger<PointScheduleService>.Instance);
            var counts = new List<int>();
            for (var minute = 0; minute < 65; minute++)
            {
                if (minute % 5 == 0 && minute is not (50 or 55))
                {
                    StoreFixture.Write(v, 0, StoreFixture.Pattern(4096, minute));
                }

                await schedule.RunOnceAsync(TestContext.Current.CancellationToken);
                if (minute % 5 == 4)
                {
                    counts.Add(v.Points.Count);
                }

                time.Advance(TimeSpan.FromMinutes(1));
            }

            v.Points.ShouldAllBe(point => PointKinds.IsAutomatic(point) && point.Consistency == PointConsistency.Crash);
            return counts;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
