using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication;
using Dr.Edge.Replication.Status;

namespace Dr.Edge.Tests.Replication.Status;

/// <summary>What an operator reads.</summary>
public class CopyPrinterTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_copy_that_catches_up_shows_its_bar_its_lag_its_pace_and_its_gaps()
    {
        var copy = new CopyStatus
        {
            Peer = "10.0.0.2:10811",
            Mode = CopyMode.Stream,
            State = CopyState.CatchingUp,
            Durable = new SequenceNumber(17),
            LagBytes = 12 << 20,
            LagSeconds = 3.25,
            WorkDoneBytes = 25,
            WorkTotalBytes = 100,
            EtaSeconds = 161,
            WireBytes = 110_000,
            ChangedBytes = 100_000,
            BytesPerSecond = 640_000,
            LastCommonPoint = new PointId(5),
            LastCommonPointAt = At,
            Gaps = [new CopyGap { After = new SequenceNumber(3), UpTo = new SequenceNumber(9), Since = At, Reason = "the budget of 20 GiB was used up" }],
        };

        var lines = CopyPrinter.Print(new CopyList("dilas", VolumeRole.Primary, 1, [copy])).Split(Environment.NewLine);

        lines[0].ShouldBe("dilas -> 10.0.0.2:10811  stream  catching up");
        lines.ShouldContain("  durable there    write 17, behind by 12 MiB, 3.3 s");
        lines.ShouldContain("  progress         [#####---------------] 25 %  25 B of 100 B");
        lines.ShouldContain("  time to go       2 min 41 s");
        lines.ShouldContain($"  common point     {new PointId(5).Value} of 2026-11-22T10:00:00Z");
        lines.ShouldContain("  on the wire      107.4 KiB for 97.7 KiB of changes (ratio 1.10)");
        lines.ShouldContain("  gap              writes 3 to 9 since 2026-11-22T10:00:00Z, open");
        lines.ShouldContain("                   the budget of 20 GiB was used up");
        lines.ShouldNotContain(l => l.Contains("mirror", StringComparison.Ordinal));
    }

    [Fact]
    public void A_first_copy_of_any_size_fits_on_80_columns_and_claims_nothing_that_is_not_there()
    {
        var copy = new CopyStatus
        {
            Peer = "10.0.0.2:10811",
            Mode = CopyMode.Delta,
            State = CopyState.Seeding,
            LagBytes = 1023L << 30,
            LagSeconds = -1,
            WorkDoneBytes = 1022L << 30,
            WorkTotalBytes = 1023L << 30,
            EtaSeconds = 7199,
            WireBytes = 1022L << 30,
            ChangedBytes = 1022L << 30,
            BytesPerSecond = 1022L << 20,
            HeldBytes = 0,
            HoldBudgetBytes = 20L << 30,
        };

        var lines = CopyPrinter.Print(new CopyList("circulation", VolumeRole.Primary, 1, [copy])).Split(Environment.NewLine);

        lines.Max(line => line.Length).ShouldBeLessThanOrEqualTo(80);
        lines[0].ShouldBe("circulation -> 10.0.0.2:10811  delta  first copy under way");
        lines.ShouldContain("  durable there    nothing yet");
        lines.ShouldContain("  time to go       1 h 59 min");
        lines.ShouldNotContain(l => l.Contains("held", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(MirrorState.Whole, MirrorAck.Applied, "  mirror           whole: writes wait until it has them")]
    [InlineData(MirrorState.Whole, MirrorAck.Durable, "  mirror           whole: writes wait until they are on its disk")]
    [InlineData(MirrorState.OutOfDate, MirrorAck.Applied, "  mirror           out of date since 2026-11-22T10:00:00Z: writes do not wait for it")]
    public void A_mirror_says_whether_it_is_one(MirrorState mirror, MirrorAck ack, string line)
    {
        var copy = new CopyStatus { Peer = "b:1", Mode = CopyMode.Sync, State = CopyState.Current, Mirror = mirror, Ack = ack, OutOfDateSince = mirror == MirrorState.OutOfDate ? At : null };

        CopyPrinter.Print(new CopyList("dilas", VolumeRole.Primary, 1, [copy])).Split(Environment.NewLine).ShouldContain(line);
    }
}
