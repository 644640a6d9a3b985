using System.Diagnostics.Metrics;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication.Status;

namespace Dr.Edge.Tests.Replication.Status;

/// <summary>The numbers of a copy against what really happened, on real stores.</summary>
public sealed class CopyStatusTests
{
    private const long Size = 32 << 20;

    [Fact]
    public async Task A_slow_first_copy_shows_how_far_it_is_how_fast_and_how_long_it_will_take()
    {
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup");
        var volume = production.Set.Create("dilas", Size);
        volume.WriteRandom(new Random(1), 600);
        await production.Copies.AddAsync(volume, backup.Address, CopyMode.Stream, 16, default);
        var copy = production.Copies.Of(volume).Single();

        await Node.Until(() => copy.ToStatus() is { State: CopyState.Seeding, WorkTotalBytes: > 0, WorkDoneBytes: > 0, EtaSeconds: > 0, BytesPerSecond: > 0 }, "progress of the first copy", () => copy.ToStatus().ToString());
        var status = copy.ToStatus();

        status.WorkDoneBytes.ShouldBeLessThanOrEqualTo(status.WorkTotalBytes);
        status.WorkTotalBytes.ShouldBeInRange(1 << 20, Size);
        status.LagBytes.ShouldBeGreaterThan(0);
        status.LastCommonPoint.ShouldBeNull();
    }

    [Fact]
    public async Task A_copy_that_is_away_lags_in_bytes_and_in_seconds_and_still_does_after_a_restart()
    {
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup");
        var volume = production.Set.Create("dilas", Size);
        volume.WriteRandom(new Random(1), 20);
        var point = volume.Point("first");
        await production.Copies.AddAsync(volume, backup.Address, CopyMode.Stream, null, default);
        await production.Copies.SyncAsync(volume, null, TestContext.Current.CancellationToken);
        var copy = production.Copies.Of(volume).Single();
        await Node.Until(() => copy.ToStatus() is { State: CopyState.Current, LagBytes: 0, LagSeconds: 0 }, "the copy to be current");
        copy.ToStatus().LastCommonPoint.ShouldBe(point.Id);
        copy.ToStatus().LastCommonPointAt.ShouldBe(point.At);

        await backup.CloseAsync();
        var had = volume.Appended;
        volume.WriteAt(0, new byte[1 << 20]);
        await Node.Until(() => copy.ToStatus() is { LagBytes: >= 1 << 20, LagSeconds: > 0 }, "the lag of a copy that is away", () => copy.ToStatus().ToString());

        await production.RestartAsync();
        var status = production.Copies.Of(production.Set.Get("dilas")).Single().ToStatus();
        status.Durable.ShouldBe(had);
        status.LagBytes.ShouldBeGreaterThanOrEqualTo(1 << 20);
        status.LagSeconds.ShouldBeGreaterThan(0, "the age of the last common point is known from the disk");
        await backup.OpenAsync();
    }

    [Fact]
    public async Task The_instruments_show_every_copy_with_its_volume_and_peer()
    {
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup");
        var volume = production.Set.Create("dilas", Size);
        volume.WriteRandom(new Random(1), 20);
        await production.Copies.AddAsync(volume, backup.Address, CopyMode.Stream, null, default);
        await production.Copies.SyncAsync(volume, null, TestContext.Current.CancellationToken);
        using var instruments = new ReplicationInstruments(production.Copies);
        var seen = new Dictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter.Name == ReplicationInstruments.MeterName)
            {
                l.EnableMeasurementEvents(instrument);
            }
        };
        void Take(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var named = tags.ToArray().ToDictionary(t => t.Key, t => t.Value);
            if (named["peer"] as string == backup.Address)
            {
                named["volume"].ShouldBe("dilas");
                named["mode"].ShouldBe("stream");
                seen[instrument.Name] = value;
            }
        }

        listener.SetMeasurementEventCallback<double>((i, v, t, _) => Take(i, v, t));
        listener.SetMeasurementEventCallback<long>((i, v, t, _) => Take(i, v, t));
        listener.Start();
        listener.RecordObservableInstruments();

        seen["dr.copy.lag"].ShouldBe(0);
        seen["dr.copy.wire"].ShouldBe(production.Copies.Of(volume).Single().ToStatus().WireBytes);
        seen["dr.copy.changed"].ShouldBeGreaterThan(0);
        seen.Keys.ShouldBe(["dr.copy.lag", "dr.copy.age", "dr.copy.current", "dr.copy.mirror", "dr.copy.rate", "dr.copy.held", "dr.copy.gaps.open", "dr.copy.wire", "dr.copy.changed", "dr.copy.divergent"], ignoreOrder: true);
    }
}
