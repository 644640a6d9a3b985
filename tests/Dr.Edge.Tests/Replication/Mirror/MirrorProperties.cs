using CsCheck;
using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Replication.Mirror;

namespace Dr.Edge.Tests.Replication.Mirror;

/// <summary>
/// The machine against a small world: writes that are appended, sent, lost and answered; a control plane that hears what is said of the mirror late; a disk; crashes. Whatever happens in whatever
/// order, no write is answered that is neither on the mirror nor recorded as missing there.
/// </summary>
public class MirrorProperties
{
    private static readonly TimeSpan After = TimeSpan.FromSeconds(5);

    private static readonly Gen<int[]> Histories = Gen.Int[0, 14].Array[1, 60];

    [Fact]
    public void No_write_is_answered_that_is_neither_on_the_mirror_nor_recorded_as_missing_there() =>
        Histories.Sample(steps => new World().Run(steps), iter: 10_000);

    [Fact]
    public void Left_alone_with_the_peer_back_every_history_ends_whole_again() =>
        Histories.Sample(
            steps =>
            {
                var world = new World();
                world.Run(steps);
                world.Heal();
                world.Model.Phase.ShouldBe(MirrorPhase.Whole);
                world.Model.Said.ShouldBe(MirrorState.Whole);
            },
            iter: 10_000);

    [Fact]
    public void Left_alone_with_the_peer_gone_writes_go_on_by_degrade_and_wait_by_stall() =>
        Gen.Select(Histories, Gen.Bool).Sample(
            (steps, degrade) =>
            {
                var world = new World();
                world.Run(steps);
                world.Heal();
                world.Lose(degrade ? LossPolicy.Degrade : LossPolicy.Stall);
                world.Model.WritesWait.ShouldBe(!degrade);
                world.Model.Said.ShouldBe(degrade ? MirrorState.OutOfDate : MirrorState.Whole);
            },
            iter: 10_000);

    private sealed class World
    {
        private const int Everything = 100;

        private readonly List<(long Write, bool Answered)> _waiting = [];
        private readonly Queue<(long Record, MirrorState Said)> _underWay = new();
        private TimeSpan _now;
        private long _appended;
        private long _mirrored;
        private long _answered;
        private bool _connected;
        private bool _sent;
        private (long Record, MirrorState State) _disk = (1, MirrorState.OutOfDate);
        private bool _lacksOnDisk;
        private (long Record, MirrorState State) _plane;
        private MirrorEffect? _pending;

        public MirrorModel Model { get; private set; } = MirrorModel.Restore(MirrorState.OutOfDate, 2, wanted: true, LossPolicy.Degrade, After, default);

        public void Run(int[] steps)
        {
            foreach (var step in steps)
            {
                Step(step);
                AnswerWhatMay();
                if (_mirrored < _answered)
                {
                    Model.Said.ShouldNotBe(MirrorState.Whole, $"write {_answered} was answered and is not on the mirror ({Model})");
                    if (Model.IsNoted)
                    {
                        _disk.State.ShouldNotBe(MirrorState.Whole, $"it may be taken apart, and the disk takes it for whole ({Model})");
                        _plane.State.ShouldNotBe(MirrorState.Whole, $"it may be taken apart, and the control plane takes it for whole ({Model})");
                    }
                }
            }
        }

        /// <summary>The peer is there, everything arrives, nobody writes.</summary>
        public void Heal()
        {
            Apply(new MirrorEvent.Configured(true, LossPolicy.Stall, After));
            for (var i = 0; i < 8; i++)
            {
                foreach (var step in (int[])[2, Everything, 9, 3, 4, Everything, 9])
                {
                    Step(step);
                }
            }
        }

        /// <summary>The peer is gone for good, everything else works.</summary>
        public void Lose(LossPolicy policy)
        {
            Apply(new MirrorEvent.Configured(true, policy, After));
            foreach (var step in (int[])[5, 0, 6, 6, 6, Everything, 9])
            {
                Step(step);
            }
        }

        private void Step(int step)
        {
            switch (step)
            {
                case 0 or 1:
                    _waiting.Add((++_appended, false));
                    break;
                case 2:
                    _connected = true;
                    break;
                case 3 when _connected:
                    // Sent is not there.
                    _sent = true;
                    Apply(new MirrorEvent.CaughtUp());
                    break;
                case 4 when _connected && _sent:
                    _mirrored = _appended;
                    Apply(new MirrorEvent.Acknowledged(new SequenceNumber(_mirrored)));
                    break;
                case 5:
                    (_connected, _sent) = (false, false);
                    Apply(new MirrorEvent.Lost(_now));
                    break;
                case 6:
                    _now += TimeSpan.FromSeconds(3);
                    Apply(new MirrorEvent.Tick(_now, _waiting.Count > 0 ? After : TimeSpan.Zero));
                    break;
                case 7:
                    Apply(new MirrorEvent.Tick(_now, TimeSpan.Zero));
                    break;
                case 8 when _underWay.TryDequeue(out var said):
                    _plane = said;
                    break;
                case Everything:
                    while (_underWay.Count > 0)
                    {
                        Step(8);
                    }

                    break;
                case 9:
                    FinishRecord();
                    break;
                case 10:
                    Apply(new MirrorEvent.Configured(!Model.Wanted, Model.OnLoss, After));
                    break;
                case 11:
                    Apply(new MirrorEvent.Configured(Model.Wanted, Model.OnLoss == LossPolicy.Stall ? LossPolicy.Degrade : LossPolicy.Stall, After));
                    break;
                case 14 when _connected:
                    // What it had confirmed is not there, or not what it was.
                    (_mirrored, _sent) = (Math.Max(0, _mirrored - 2), false);
                    Apply(new MirrorEvent.Lacking(_now));
                    break;
                case 12:
                    Crash();
                    break;
                case 13:
                    // A crash between the record and its effect.
                    FinishRecord(thenCrash: true);
                    break;
                default:
                    break;
            }
        }

        private void Apply(MirrorEvent happened)
        {
            var before = (Model.Record, Model.Said);
            (Model, var effects) = MirrorMachine.Apply(Model, happened);
            foreach (var effect in effects)
            {
                if (effect is MirrorEffect.Engage)
                {
                    // A write may slip in between the wait and the look at the end.
                    AnswerWhatMay();
                    (Model, _) = MirrorMachine.Apply(Model, new MirrorEvent.Engaged(new SequenceNumber(_appended)));
                }
                else if (effect is MirrorEffect.Save or MirrorEffect.Note)
                {
                    _pending = effect;
                }
            }

            if ((Model.Record, Model.Said) != before)
            {
                _underWay.Enqueue((Model.Record, Model.Said));
            }
        }

        private void FinishRecord(bool thenCrash = false)
        {
            switch (_pending)
            {
                case MirrorEffect.Note note when _plane.Record < note.Record:
                    return; // The control plane has not got it yet: nothing may happen.
                case MirrorEffect.Note note:
                    (_disk, _lacksOnDisk) = ((note.Record, note.State), note.Lacks);
                    break;
                case MirrorEffect.Save save:
                    (_disk, _lacksOnDisk) = ((save.Record, save.State), false);
                    break;
                default:
                    return;
            }

            _pending = null;
            if (thenCrash)
            {
                Crash();
                return;
            }

            Apply(new MirrorEvent.Recorded(_disk.Record));
        }

        private void Crash()
        {
            // Clients of writes that were waiting got no answer; what was on its way to the control plane may still arrive.
            _waiting.Clear();
            (_connected, _sent, _pending) = (false, false, null);
            var isKnownToLack = _mirrored < _answered;
            Model = MirrorModel.Restore(_disk.State, Math.Max(Model.Record, _disk.Record) + 1, Model.Wanted, Model.OnLoss, After, _now, _lacksOnDisk);
            Apply(new MirrorEvent.Configured(Model.Wanted, Model.OnLoss, After));
            if (isKnownToLack)
            {
                Apply(new MirrorEvent.Lacking(_now)); // Kept beside the record.
            }

            _underWay.Enqueue((Model.Record, Model.Said));
        }

        private void AnswerWhatMay()
        {
            foreach (var (write, _) in _waiting.ToArray())
            {
                if (Model.WritesWait && write > _mirrored)
                {
                    continue;
                }

                if (write > _mirrored)
                {
                    _disk.State.ShouldNotBe(MirrorState.Whole, $"write {write} was answered without the mirror, which the disk takes for whole ({Model})");
                    _plane.State.ShouldNotBe(MirrorState.Whole, $"write {write} was answered without the mirror, which the control plane takes for whole ({Model})");
                    _underWay.ShouldNotContain(u => u.Said == MirrorState.Whole, $"write {write} was answered without the mirror, which the control plane is about to take for whole ({Model})");
                }

                _answered = Math.Max(_answered, write);
                _waiting.RemoveAll(w => w.Write == write);
            }
        }
    }
}
