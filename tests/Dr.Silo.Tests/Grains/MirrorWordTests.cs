using CsCheck;
using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Observing;
using Dr.Silo.Grains;
using Dr.Silo.Tests.Support;

namespace Dr.Silo.Tests.Grains;

/// <summary>
/// The control plane's side of the mirror record: what primaries say comes late, twice and in any order, and over restarts; nobody takes over on a mirror that was ever recorded as out of date and not as
/// whole again. <c>DR_SILO_CHAINS=1</c> also runs whole takeovers.
/// </summary>
public sealed class MirrorWordTests : ControlPlaneTests
{
    private static readonly DeviceId Owner = new("prod-1");
    private static readonly Gen<(int Epoch, int Record, int State)[]> Words = Gen.Select(Gen.Int[1, 3], Gen.Int[1, 6], Gen.Int[0, 2]).Array[1, 20];

    [Fact]
    public void The_newest_word_counts_whatever_order_words_come_in() =>
        Gen.Select(Words, Gen.Int[0, int.MaxValue - 1]).Sample(
            (said, seed) =>
            {
                // One record of one epoch has one state, except that what is being recorded becomes whole.
                var words = said.DistinctBy(w => (w.Epoch, w.Record)).Select(w => Report(w.Epoch, w.Record, (MirrorState)w.State)).ToArray();
                var heard = words.Concat(words).ToArray();
                new Random(seed).Shuffle(heard);
                var seen = new SystemObservations();
                foreach (var report in heard)
                {
                    seen.Hear(Owner, report, DateTimeOffset.UnixEpoch);
                }

                var newest = words.SelectMany(MirrorWord.Of).MaxBy(w => (w.Epoch.Value, w.Record))!;
                for (var epoch = 1; epoch <= 3; epoch++)
                {
                    seen.IsWhole("peer", new Epoch(epoch)).ShouldBe(newest.Epoch == new Epoch(epoch) && newest.State == MirrorState.Whole);
                }
            },
            iter: 10_000);

    [Fact]
    public void A_replica_or_an_appliance_without_a_record_says_nothing_of_mirrors()
    {
        var seen = new SystemObservations();
        seen.Hear(Owner, Report(1, 5, MirrorState.Whole) with { Role = VolumeRole.Replica }, DateTimeOffset.UnixEpoch);
        seen.Hear(Owner, Report(1, 0, MirrorState.Whole), DateTimeOffset.UnixEpoch);

        seen.IsWhole("peer", new Epoch(1)).ShouldBeFalse();
        seen.IsWhole(null, new Epoch(1)).ShouldBeFalse();
    }

    [Fact]
    public async Task What_is_stored_of_a_mirror_survives_a_restart_and_no_late_or_repeated_word_takes_it_back()
    {
        await SayAsync(Report(2, 10, MirrorState.Whole), noted: 10);
        await SayAsync(Report(2, 11, MirrorState.OutOfDate), noted: 11);
        await RestartAsync();
        (await StoredAsync()).ShouldBe(new MirrorWord { Peer = "peer", Epoch = new Epoch(2), Record = 11, State = MirrorState.OutOfDate });

        foreach (var late in new[] { Report(2, 10, MirrorState.Whole), Report(2, 10, MirrorState.Whole), Report(1, 99, MirrorState.Whole) })
        {
            await SayAsync(late, noted: 11);
        }

        // Something that is stored only afterwards shows that the late ones were looked at and left out.
        await SayAsync(Report(2, 5, MirrorState.Whole) with { Copies = [Copy("other", 5, MirrorState.Whole)] }, noted: 5, peer: "other");
        (await StoredAsync()).ShouldBe(new MirrorWord { Peer = "peer", Epoch = new Epoch(2), Record = 11, State = MirrorState.OutOfDate });

        // It has everything again, and so says its primary.
        await SayAsync(Report(2, 12, MirrorState.Whole), noted: 12);
        (await StoredAsync()).State.ShouldBe(MirrorState.Whole);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_mirror_out_of_date_is_taken_over_only_when_a_person_accepts_the_loss(bool isWholeAgain)
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("DR_SILO_CHAINS") == "1", "DR_SILO_CHAINS=1 runs whole takeovers (about 20 s each)");
        static SystemSettings Sync(SystemSettings s) => s with { CopyMode = CopyMode.Sync };
        World.Production.Mirror = (10, MirrorState.Whole);
        await RestartAsync(Sync);
        await ProtectAsync();
        await Silo.UntilAsync("record 10 to be stored", _ => World.Production.MirrorNoted == 10);
        var late = World.Production.Status(ScriptedWorld.Volume);
        World.Production.Mirror = (11, MirrorState.OutOfDate);
        await Silo.UntilAsync("record 11 to be stored", _ => World.Production.MirrorNoted == 11);
        if (isWholeAgain)
        {
            World.Production.Mirror = (12, MirrorState.Whole);
            await Silo.UntilAsync("record 12 to be stored", _ => World.Production.MirrorNoted == 12);
        }

        // The silo restarts, and the last thing it hears of the owner is a report of before.
        World.Backup.Age = TimeSpan.FromHours(1);
        await RestartAsync(Sync);
        await Silo.PhaseAsync(Phase.Protected);
        World.Production.PowerOff();
        await Silo.System.OnVolumeAsync(World.Production.Id, late);
        await Silo.System.OnVolumeAsync(World.Production.Id, late);
        if (!isWholeAgain)
        {
            var waiting = await Silo.PhaseAsync(Phase.Deciding);
            World.Backup.Role.ShouldBe(VolumeRole.Replica);
            await Silo.UntilAsync("the loss to be assessed", v => v.LiveRun?.Facts.ContainsKey("predictedLossSeconds") == true);
            (await Silo.System.DecideAsync(new RunDecision { Run = waiting.LiveRun!.Id, Verb = RunVerb.Approve, Actor = "test", Reason = "the owner burnt" })).Answer.ShouldBe(RunAnswer.Accepted);
        }

        await Silo.PhaseAsync(Phase.OnTrial);
        World.Backup.Role.ShouldBe(VolumeRole.Primary);
        World.DoubleWriters.ShouldBeEmpty();
    }

    private static VolumeStatus Report(long epoch, long record, MirrorState state) => new()
    {
        Volume = new VolumeId(Guid.Empty),
        Name = ScriptedWorld.Volume,
        SizeBytes = 1 << 20,
        Role = VolumeRole.Primary,
        Epoch = new Epoch(epoch),
        Generation = default,
        Appended = new SequenceNumber(1),
        Durable = new SequenceNumber(1),
        Writable = true,
        Copies = [Copy("peer", record, state)],
    };

    private static CopyStatus Copy(string peer, long record, MirrorState state) => new() { Peer = peer, Mode = CopyMode.Sync, State = CopyState.Current, MirrorRecord = record, Mirror = state };

    private IVolumeGrain Volume => Silo.Grains.GetGrain<IVolumeGrain>(ScriptedWorld.Volume);

    private async Task<MirrorWord> StoredAsync() => (await Volume.MirrorsAsync()).Single(w => w.Peer == "peer");

    /// <summary>Says it as an appliance does, with every beat until it is confirmed as stored.</summary>
    private async Task SayAsync(VolumeStatus status, long noted, string peer = "peer")
    {
        IReadOnlyList<MirrorNoted> stored = [];
        var watch = System.Diagnostics.Stopwatch.StartNew();
        while (stored.SingleOrDefault(m => m.Peer == peer)?.Record != noted)
        {
            watch.Elapsed.TotalSeconds.ShouldBeLessThan(TestSilo.Patience, $"waiting for record {noted} of {peer}; stored are {string.Join(", ", stored)}");
            stored = await Volume.OnStatusAsync(Owner, status);
            await Task.Delay(50, CancellationToken.None);
        }
    }
}
