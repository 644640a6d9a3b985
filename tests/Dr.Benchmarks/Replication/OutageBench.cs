using System.Diagnostics;
using System.Globalization;
using System.Net;
using Dr.Benchmarks.Replication.Peers;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;

namespace Dr.Benchmarks.Replication;

/// <summary>
/// A day without the line: the day's writes are made while the copy is away, as fast as the disk takes them, with a point every hour of it; then the line is back and carries 5 Mbit/s. Content never compresses
/// and never comes twice, so that what is measured is the choice of what to send. Pages of 8 KiB; four of five writes go to a fifth of what is written at all; in a page as many 512-byte units change as the seed says.
/// </summary>
/// <param name="dayBytes">Written in the day: 2 GB is the requirement's, a part of it takes that part of the time.</param>
internal sealed class OutageBench(string directory, string farDirectory, long dayBytes, double megabits, int seed)
{
    private const int PageBytes = 8192;
    private const int UnitBytes = 512;
    private const int Hours = 24;

    /// <summary>Of the volume to the day's writes: a hundred days' growth is not what is compared.</summary>
    private const int VolumeShare = 4;

    /// <summary>Of what can be written at all, and how many of five writes go there.</summary>
    private const int HotShare = 5;

    public async Task<IReadOnlyList<CopyFigure>> RunAsync(Action<string> progress, CancellationToken cancellationToken)
    {
        await using var near = await BenchAppliance.StartAsync(directory, "near");
        await using var far = await BenchAppliance.StartAsync(farDirectory, "far");
        await using var line = new CountingRelay(IPEndPoint.Parse(far.Address));
        var pages = Math.Max(1024, dayBytes * VolumeShare / PageBytes);
        var volume = near.Set.Create("v", pages * PageBytes);
        using var noise = new Noise(seed);
        progress("outage: the state before");
        Fill(volume, noise, pages / 2);
        var copy = await near.Copies.AddAsync(volume, line.Address, CopyMode.Stream, null, cancellationToken);
        await near.Copies.SyncAsync(volume, null, cancellationToken);
        var before = volume.CreatePoint("before", PointConsistency.Crash, null);
        await near.Copies.SyncAsync(volume, null, cancellationToken);
        await near.Copies.SetAsync(volume, line.Address, s => s with { BandwidthMbps = megabits }, cancellationToken);

        line.IsUp = false;
        progress("outage: a day's writes");
        Write(volume, noise, pages, cancellationToken);
        var changed = ChangedUnits(volume, before) * UnitBytes;
        var ideal = changed * 8 / (megabits * 1e6);
        progress(string.Create(CultureInfo.InvariantCulture, $"outage: {dayBytes / 1e6:0} MB written, {changed / 1e6:0.0} MB of units differ: {ideal:0} s at {megabits:0.#} Mbit/s"));
        var bytes = line.Bytes;
        line.IsUp = true;
        var watch = Stopwatch.StartNew();
        await near.Copies.SyncAsync(volume, null, cancellationToken);
        var took = watch.Elapsed.TotalSeconds;
        progress(string.Create(CultureInfo.InvariantCulture, $"outage: caught up in {took:0.0} s with {(line.Bytes - bytes) / 1e6:0.0} MB on the wire, {copy.ToStatus().Gaps.Count} gaps"));
        return
        [
            new CopyFigure(string.Create(CultureInfo.InvariantCulture, $"24 h outage, {dayBytes / 1e6:0} MB written, caught up at {megabits:0.#} Mbit/s / (changed units / rate)"), took / ideal, "×", 1.05, AtLeast: false),
        ];
    }

    private static void Fill(Volume volume, Noise noise, long pages)
    {
        var data = new byte[1 << 20];
        for (long at = 0; at < pages * PageBytes; at += data.Length)
        {
            noise.Fill(data);
            Write(volume, at, data);
        }

        volume.Flush();
    }

    private void Write(Volume volume, Noise noise, long pages, CancellationToken cancellationToken)
    {
        var random = new Random(seed);
        var (page, fresh) = (new byte[PageBytes], new byte[PageBytes]);
        for (var hour = 0; hour < Hours; hour++)
        {
            for (long written = 0; written < dayBytes / Hours; written += PageBytes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var place = random.NextInt64(random.Next(5) < 4 ? pages / HotShare : pages) * PageBytes;
                volume.Read(place, page);
                noise.Fill(fresh);
                var first = random.Next(PageBytes / UnitBytes);
                var units = random.Next(1, (PageBytes / UnitBytes) - first + 1);
                fresh.AsSpan(first * UnitBytes, units * UnitBytes).CopyTo(page.AsSpan(first * UnitBytes));
                Write(volume, place, page);
            }

            volume.CreatePoint($"hour {hour + 1}", PointConsistency.Crash, null);
        }
    }

    private static long ChangedUnits(Volume volume, PointInfo before)
    {
        using var then = volume.OpenView(before.Id);
        var (was, now) = (new byte[1 << 20], new byte[1 << 20]);
        long changed = 0;
        for (long at = 0; at < volume.SizeBytes; at += was.Length)
        {
            var length = (int)Math.Min(was.Length, volume.SizeBytes - at);
            then.Read(at, was.AsSpan(0, length));
            volume.Read(at, now.AsSpan(0, length));
            for (var unit = 0; unit < length; unit += UnitBytes)
            {
                changed += was.AsSpan(unit, UnitBytes).SequenceEqual(now.AsSpan(unit, UnitBytes)) ? 0 : 1;
            }
        }

        return changed;
    }

    private static void Write(Volume volume, long offset, byte[] data) => volume.Write([new WriteExtent(offset, data.Length, ExtentKind.Data, data)], forceUnitAccess: false);
}
