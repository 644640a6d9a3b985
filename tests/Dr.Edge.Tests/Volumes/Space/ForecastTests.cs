using Dr.Edge.Cli;
using Dr.Edge.Nbd;
using Dr.Edge.Tests.Nbd;
using Dr.Edge.Tests.Nbd.Interop;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Tests.Volumes.Space;

/// <summary>A real process on a real, small ext4 is written to steadily, and says how fast it grows and when the disk will be full.</summary>
public sealed class ForecastTests
{
    [Fact]
    public async Task Steady_writes_show_as_growth_and_as_the_date_on_which_the_disk_is_full()
    {
        await using var disk = await SmallFileSystem.CreateAsync(1024, "points: {every: off}\nspace: {trend: 10s}\n");
        await disk.StartAsync();
        await disk.Client.PostAsync<VolumeSummary>("volumes", new CreateVolumeRequest("v", 64L << 20), TestContext.Current.CancellationToken);
        using var client = disk.Attach("v");
        var piece = new byte[128 * 1024];
        var clock = System.Diagnostics.Stopwatch.StartNew();
        VolumeSummary shown;
        do
        {
            client.Write((ulong)Random.Shared.Next(400) * 128 * 1024, piece, NbdCommandFlags.ForceUnitAccess).ShouldBe(NbdError.None);
            await Task.Delay(50, TestContext.Current.CancellationToken);
            shown = await ShowAsync(disk);
            clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(60), $"no forecast that fits what was done; the last one: {shown.Space}");
        }
        while (!Fits(shown.Space, await disk.Client.GetAsync<SpaceOverview>("space", TestContext.Current.CancellationToken)));

        var text = await disk.RunAsync("volume", "show", "v");
        text.ShouldMatch(@"growth\s+written [0-9.]+ [KMGT]iB an hour");
        text.ShouldMatch(@"full in\s+([0-9]+ min|[0-9]+ h) \(20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}Z\)");
    }

    [Theory]
    [InlineData("9s")]
    [InlineData("2h")]
    [InlineData("soon")]
    public void A_window_that_says_nothing_is_refused(string trend) =>
        Should.Throw<Dr.Contracts.Errors.DrException>(() => _ = new SpaceConfig { Trend = trend }.TrendTime).Message.ShouldContain("trend");

    /// <summary>What it says fits what was done: what was written grows the volume by about as much, and at that pace the same room is filled. The first look after a start has too little to go by.</summary>
    private static bool Fits(VolumeSpaceReport? space, SpaceOverview overview)
    {
        if (space is not { LastHour: { GrowthPerHour: > 0 and var growth, WrittenPerHour: var written }, FullInSeconds: > 0, FullInAloneSeconds: > 0 and var alone })
        {
            return false;
        }

        var hours = (overview.FileSystems[0].AvailableBytes - overview.FileSystems[0].ReserveBytes) / growth;
        return written >= growth / 2 && written <= growth * 2 && alone >= 0.5 * hours * 3600 && alone <= 2 * hours * 3600;
    }

    private static Task<VolumeSummary> ShowAsync(SmallFileSystem disk) => disk.Client.GetAsync<VolumeSummary>("volumes/v", TestContext.Current.CancellationToken);
}
