using Dr.Contracts.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Contracts.Tests.Hosting;

/// <summary>A sign of life three times in each limit, and none where nobody watches.</summary>
public sealed class WatchdogServiceTests
{
    [Theory]
    [InlineData("90000000", null, 90.0)]
    [InlineData("90000000", "7", 90.0)]
    [InlineData("90000000", "8", null)]
    [InlineData("0", null, null)]
    [InlineData("-5", null, null)]
    [InlineData("soon", null, null)]
    [InlineData(null, null, null)]
    public void The_limit_is_systemds_and_only_for_the_process_that_is_meant(string? microseconds, string? process, double? seconds) =>
        (WatchdogService.Limit(microseconds, process, own: 7)?.TotalSeconds).ShouldBe(seconds);

    [Fact]
    public async Task Signs_of_life_come_in_time()
    {
        var time = new FakeTimeProvider();
        using var notifier = new Notifier();
        using var service = new WatchdogService(notifier, time, TimeSpan.FromSeconds(90));
        await service.StartAsync(CancellationToken.None);
        for (var sign = 1; sign <= 5; sign++)
        {
            await notifier.UntilAsync(sign);
            time.Advance(TimeSpan.FromSeconds(30));
        }

        await service.StopAsync(CancellationToken.None);
        notifier.Signs.ShouldAllBe(state => state == "WATCHDOG=1");
    }

    private sealed class Notifier : ISystemdNotifier, IDisposable
    {
        private readonly SemaphoreSlim _arrived = new(0);

        public List<string> Signs { get; } = [];

        public bool IsEnabled => true;

        public void Notify(ServiceState state)
        {
            lock (Signs)
            {
                Signs.Add(state.ToString());
            }

            _arrived.Release();
        }

        public void Dispose() => _arrived.Dispose();

        public async Task UntilAsync(int sign) => (await _arrived.WaitAsync(TimeSpan.FromSeconds(60))).ShouldBeTrue($"sign of life {sign} did not come within 60 s");
    }
}
