using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes;

public sealed class WriteGateTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly StoreFixture _store;
    private readonly Volume _volume;

    public WriteGateTests()
    {
        _store = new StoreFixture(_time);
        _volume = _store.Set.Create("v", 64 * 4096);
    }

    public void Dispose() => _store.Dispose();

    [Fact]
    public void Without_a_lease_a_primary_is_writable_from_its_creation()
    {
        _volume.Gate.IsOpen.ShouldBeTrue();
        _volume.Epoch.ShouldBe(Epoch.First);
        Write();
    }

    [Fact]
    public void When_a_lease_is_required_writes_wait_for_one_and_end_with_it()
    {
        var changes = new List<bool>();
        _volume.Gate.Changed += gate => changes.Add(gate.IsOpen);
        _volume.Gate.RequireLease();
        ShouldRefuse();
        _volume.Gate.ExtendLease(_time.GetTimestamp() + (6 * _time.TimestampFrequency));
        Write();
        _time.Advance(TimeSpan.FromSeconds(5.9));
        Write();
        _time.Advance(TimeSpan.FromSeconds(0.1));
        ShouldRefuse();
        _time.Advance(TimeSpan.FromSeconds(1));
        changes.ShouldBe([false, true, false]);
        _volume.Gate.ExtendLease(_time.GetTimestamp() + _time.TimestampFrequency);
        Write();
    }

    [Fact]
    public void A_shorter_lease_does_not_shorten_a_longer_one()
    {
        _volume.Gate.RequireLease();
        _volume.Gate.ExtendLease(_time.GetTimestamp() + (6 * _time.TimestampFrequency));
        _volume.Gate.ExtendLease(_time.GetTimestamp() + _time.TimestampFrequency);
        _time.Advance(TimeSpan.FromSeconds(3));
        Write();
    }

    [Fact]
    public void A_higher_epoch_shuts_the_gate_at_once_and_for_good()
    {
        Write();
        _volume.SeeEpoch(new Epoch(5));
        ShouldRefuse();
        _store.Crash();
        var volume = _store.Set.Get("v");
        volume.Role.ShouldBe(VolumeRole.Demoted);
        volume.Epoch.ShouldBe(new Epoch(5));
        Should.Throw<FencedException>(() => volume.Promote(new Epoch(4)));
        volume.Promote(new Epoch(6));
        StoreFixture.Write(volume, 0, new byte[4096]);
    }

    [Fact]
    public void A_copy_is_never_promoted_at_the_epoch_of_the_owner_that_it_followed()
    {
        var replica = _store.Set.CreateReplica(VolumeId.New(), "r", 64 * 4096);
        replica.SeeOwner(new Epoch(1));
        Should.Throw<FencedException>(() => replica.Promote(new Epoch(1))).Hint!.ShouldContain("2");
        replica.SeeOwner(new Epoch(4));
        _store.Crash();
        replica = _store.Set.Get("r");
        Should.Throw<FencedException>(() => replica.Promote(new Epoch(4)));

        // One that was heard of without an owner may be ours: a grant tells of it before the order to promote comes.
        replica.SeeEpoch(new Epoch(5));
        replica.SeeOwner(new Epoch(4));
        Should.NotThrow(() => Try(replica, new Epoch(5)));
        replica.SeeOwner(new Epoch(5));
        Should.Throw<FencedException>(() => replica.Promote(new Epoch(5)));
        Should.NotThrow(() => Try(replica, new Epoch(6)));

        // Empty as it is it cannot serve; what counts here is that its epoch is not what it is refused for.
        static void Try(Volume volume, Epoch epoch) => Should.Throw<DrException>(() => volume.Promote(epoch)).ShouldNotBeOfType<FencedException>();
    }

    [Fact]
    public void What_was_demoted_for_another_owner_is_not_promoted_at_that_ones_epoch()
    {
        Write();
        _volume.Demote(new Epoch(2));
        _store.Crash();
        var volume = _store.Set.Get("v");
        Should.Throw<FencedException>(() => volume.Promote(new Epoch(2)));
        volume.Promote(new Epoch(3));
        volume.Promote(new Epoch(3));
        volume.SeeOwner(new Epoch(2));
        volume.Role.ShouldBe(VolumeRole.Primary);
        StoreFixture.Write(volume, 0, new byte[4096]);
    }

    [Fact]
    public void Demotion_takes_one_final_point_and_repeating_it_returns_the_same()
    {
        Write();
        Should.Throw<FencedException>(() => _volume.Demote(new Epoch(1)));
        var point = _volume.Demote(new Epoch(2));
        point.Sequence.ShouldBe(_volume.Appended);
        _volume.Demote(new Epoch(2)).ShouldBe(point);
        ShouldRefuse();
        _volume.Points.ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Promotion_begins_a_generation_after_the_last_write_and_the_one_before_it_stays_when_the_base_has_reached_it()
    {
        Write();
        var first = _volume.Generations.ShouldHaveSingleItem();
        _volume.Demote(new Epoch(2));
        _volume.Promote(new Epoch(3));
        _volume.Generations.Count.ShouldBe(2);
        _volume.Generations[0].ShouldBe(first);
        _volume.Generations[1].After.ShouldBe(_volume.Appended);
        _volume.Promote(new Epoch(3));
        await _store.Set.Maintenance.DrainAsync();
        _volume.Generations.Count.ShouldBe(2);
    }

    [Fact]
    public void A_primary_opened_after_a_crash_begins_a_generation_and_one_that_was_closed_does_not()
    {
        Write();
        _store.Reopen();
        _store.Set.Get("v").Generations.Count.ShouldBe(1);
        StoreFixture.Write(_store.Set.Get("v"), 0, new byte[4096]);
        _store.Crash();
        var generations = _store.Set.Get("v").Generations;
        generations.Count.ShouldBe(2);
        generations[1].After.ShouldBe(_store.Set.Get("v").Appended);
    }

    [Fact]
    public async Task After_demotion_no_writer_that_raced_with_it_has_got_in()
    {
        using var stop = new CancellationTokenSource();
        var writers = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    Write();
                }
                catch (BlockDeviceException)
                {
                    return;
                }
            }
        })).ToArray();
        while (_volume.Appended.Value < 100)
        {
            await Task.Yield();
        }

        var point = _volume.Demote(new Epoch(2));
        _volume.Appended.ShouldBe(point.Sequence);
        await Task.WhenAll(writers);
        _volume.Appended.ShouldBe(point.Sequence);
        await stop.CancelAsync();
    }

    private void Write() => StoreFixture.Write(_volume, 0, new byte[4096]);

    private void ShouldRefuse() => Should.Throw<BlockDeviceException>(Write).Error.ShouldBe(BlockError.NotPermitted);
}
