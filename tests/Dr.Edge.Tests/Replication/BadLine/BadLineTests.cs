using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Replication.BadLine;

/// <summary>
/// Every way of copying over 5 Mbit/s, 200 ms there and back and 5 % loss, with the kernel's own TCP on real packets. <c>DR_LINE_SECONDS</c> (for example 60) makes the long run, which also
/// measures the goodput beside a plain TCP sender on the same line.
/// </summary>
public sealed class BadLineTests(ITestOutputHelper output)
{
    private static readonly int Seconds = int.TryParse(Environment.GetEnvironmentVariable("DR_LINE_SECONDS"), out var seconds) ? seconds : 0;

    [Fact]
    public async Task First_copy_stream_delta_and_mirror_work_over_a_bad_line()
    {
        using var line = PacketLine.Create(LineQuality.Bad, seed: 7);
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup", host: line.Near);
        var volume = production.Set.Create("dilas", 4 << 20);
        var random = new Random(7);
        Write(volume, random, 48 * 1024);
        await production.Copies.AddAsync(volume, line.To(backup.Address), CopyMode.Stream, null, default);
        var copy = production.Copies.Of(volume).Single();
        await SyncAsync(production, volume);
        Write(volume, random, 16 * 1024);
        await SyncAsync(production, volume);

        await production.Copies.SetAsync(volume, copy.Settings.Peer, s => s with { Mode = CopyMode.Delta }, default);
        Write(volume, random, 16 * 1024);
        await SyncAsync(production, volume);

        await production.Copies.SetAsync(volume, copy.Settings.Peer, s => s with { Mode = CopyMode.Sync, OnLoss = LossPolicy.Degrade }, default);
        await Node.Until(() => copy.ToStatus().Mirror == MirrorState.Whole, "the mirror to be whole", () => copy.ToStatus().ToString());
        var watch = Stopwatch.StartNew();
        volume.WriteAt(0, new byte[4096]);
        watch.Elapsed.ShouldBeGreaterThan(TimeSpan.FromMilliseconds(190), "a write that a mirror has cannot be answered before it was there and back");
        copy.ToStatus().Mirror.ShouldBe(MirrorState.Whole, "losses are no reason to go on without the mirror");

        backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
        copy.Connections.ShouldBe(1, "a line that loses packets is not a dead one");
        line.Lost.ShouldBeGreaterThan(0);
        output.WriteLine($"{line.Carried} packets, {line.Bytes / 1024} KiB, {line.Lost} lost");
    }

    [Fact]
    public async Task A_copy_reaches_nine_tenths_of_what_plain_tcp_does()
    {
        Assert.SkipWhen(Seconds == 0, "set DR_LINE_SECONDS to measure");
        // One after the other, each alone on a line of its own that loses packets by the same seed.
        var bytes = Math.Max(1, Seconds / 2) << 20;
        double plain;
        using (var line = PacketLine.Create(LineQuality.Bad, seed: 11))
        {
            plain = await PlainAsync(line, bytes);
        }

        using var second = PacketLine.Create(LineQuality.Bad, seed: 11);
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup", host: second.Near);
        var volume = production.Set.Create("dilas", 256 << 20);
        Write(volume, new Random(11), bytes);
        await production.Copies.AddAsync(volume, second.To(backup.Address), CopyMode.Stream, null, default);
        var copy = production.Copies.Of(volume).Single();
        await Node.Until(() => copy.ToStatus().State == CopyState.Seeding, "the first copy to begin");
        var watch = Stopwatch.StartNew();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20 * Seconds));
        await production.Copies.SyncAsync(volume, null, patience.Token);
        var took = watch.Elapsed.TotalSeconds;
        var ratio = plain / took;
        output.WriteLine($"{bytes >> 20} MiB: the copy {took:0.0} s ({bytes * 8 / took / 1e6:0.00} Mbit/s), plain TCP {plain:0.0} s ({bytes * 8 / plain / 1e6:0.00} Mbit/s), ratio {ratio:0.00}; {second.Lost} of {second.Lost + second.Carried} packets lost");
        copy.Connections.ShouldBe(1, "no false dead peer");
        ratio.ShouldBeGreaterThanOrEqualTo(0.9);
    }

    [Fact]
    public async Task A_mirror_over_a_bad_line_answers_for_minutes_stalls_or_degrades_as_told_and_becomes_whole_again()
    {
        Assert.SkipWhen(Seconds == 0, "set DR_LINE_SECONDS to measure");
        using var line = PacketLine.Create(LineQuality.Bad, seed: 17);
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup", host: line.Near);
        var volume = production.Set.Create("dilas", 16 << 20);
        await production.Copies.AddAsync(volume, line.To(backup.Address), s => s with { Mode = CopyMode.Sync, OnLoss = LossPolicy.Stall }, default);
        var copy = production.Copies.Of(volume).Single();
        string State() => copy.ToStatus().ToString();
        Task WholeAsync() => Node.Until(() => copy.ToStatus() is { State: CopyState.Current, Mirror: MirrorState.Whole }, "the mirror to be whole", State, seconds: 90);
        await WholeAsync();

        // As many writers as a database has connections: one alone would only measure the round trip.
        using var load = new LineLoad(volume, writers: 32);
        var (began, carried) = (Stopwatch.StartNew(), line.Bytes);
        await Task.Delay(TimeSpan.FromSeconds(Seconds));
        var (answered, slowest, took) = (load.Answered, load.SlowestSeconds, began.Elapsed.TotalSeconds);
        output.WriteLine($"{answered} writes of 4 KiB in {took:0} s: {answered * 4096 * 8 / took / 1e6:0.00} Mbit/s of 5 ({(line.Bytes - carried) * 8 / took / 1e6:0.00} carried both ways), slowest {slowest:0.00} s; {line.Lost} of {line.Lost + line.Carried} packets lost; {copy.Connections} connection");
        copy.Connections.ShouldBe(1, "a line that loses packets is not a dead one");
        copy.ToStatus().Mirror.ShouldBe(MirrorState.Whole);
        slowest.ShouldBeLessThan(FrameConnection.DeadAfter.TotalSeconds, "a write that hangs");

        line.IsDead = true;
        await Node.Until(() => copy.ToStatus().State == CopyState.Connecting, "the dead line to be noticed", State);
        var stalled = load.Answered;
        await Task.Delay(3000); // Long for writes that do not wait.
        load.Answered.ShouldBe(stalled, "with stall nothing is answered without the copy");
        line.IsDead = false;
        await Node.Until(() => load.Answered > stalled + 100, "writes to be answered again", State, seconds: 90);
        await WholeAsync();

        await production.Copies.SetAsync(volume, copy.Settings.Peer, s => s with { OnLoss = LossPolicy.Degrade, DegradeAfter = TimeSpan.FromSeconds(1) }, default);
        await WholeAsync();
        line.IsDead = true;
        await Node.Until(() => copy.ToStatus().Mirror == MirrorState.OutOfDate, "the copy to be called out of date", State);
        var degraded = load.Answered;
        await Node.Until(() => load.Answered > degraded + 100, "writes to go on without the copy", State);
        load.Pause(); // Otherwise 32 writers without a mirror write more than the line ever carries.
        line.IsDead = false;
        await WholeAsync();
        load.Stop();
        await SyncAsync(production, volume);
        backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_line_that_swallows_everything_is_found_dead_within_ten_seconds_idle_and_while_sending(bool sending)
    {
        Assert.SkipWhen(Seconds == 0, "set DR_LINE_SECONDS to wait for it");
        using var line = PacketLine.Create(LineQuality.Bad, seed: 13);
        await using var production = await Node.StartAsync("production");
        await using var backup = await Node.StartAsync("backup", host: line.Near);
        var volume = production.Set.Create("dilas", 64 << 20);
        Write(volume, new Random(13), sending ? 32 << 20 : 4096);
        await production.Copies.AddAsync(volume, line.To(backup.Address), CopyMode.Stream, null, default);
        var copy = production.Copies.Of(volume).Single();
        await Node.Until(() => sending ? copy.ToStatus().WireBytes > 1 << 20 : copy.ToStatus().State == CopyState.Current, "the copy to be under way", seconds: 60);

        line.IsDead = true;
        var watch = Stopwatch.StartNew();
        await Node.Until(() => copy.ToStatus().State == CopyState.Connecting, "the dead line to be noticed", () => copy.ToStatus().ToString());
        output.WriteLine($"noticed after {watch.Elapsed.TotalSeconds:0.0} s");
        watch.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(10));
        line.IsDead = false;
        await Node.Until(() => copy.Connections > 1, "the copy to come back", seconds: 60);
    }

    private static void Write(Volume volume, Random random, int bytes)
    {
        var data = new byte[Math.Min(bytes, 1 << 20)];
        for (var at = 0; at < bytes; at += data.Length)
        {
            random.NextBytes(data);
            volume.WriteAt(at, data);
        }
    }

    private static async Task SyncAsync(Node node, Volume volume)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await node.Copies.SyncAsync(volume, null, patience.Token);
    }

    /// <summary>What iperf does: one connection, as much as it takes. Seconds until everything has arrived.</summary>
    private static async Task<double> PlainAsync(PacketLine line, int bytes)
    {
        using var listener = new TcpListener(IPAddress.Parse(line.Near), 0);
        listener.Start();
        var accepting = listener.AcceptSocketAsync();
        using var sender = await PeerAddress.ConnectAsync(line.To(listener.LocalEndpoint.ToString()!), default);
        using var receiver = await accepting;
        var watch = Stopwatch.StartNew();
        var sending = Task.Run(async () =>
        {
            var data = new byte[64 * 1024];
            for (var sent = 0; sent < bytes; sent += data.Length)
            {
                await sender.SendAsync(data.AsMemory());
            }
        });
        var buffer = new byte[256 * 1024];
        for (var received = 0; received < bytes;)
        {
            received += await receiver.ReceiveAsync(buffer.AsMemory());
        }

        await sending;
        return watch.Elapsed.TotalSeconds;
    }
}
