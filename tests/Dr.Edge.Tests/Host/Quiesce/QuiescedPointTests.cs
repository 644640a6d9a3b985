using Dr.Contracts.Mqtt;
using Dr.Edge.Host.Quiesce;
using Dr.Edge.Tests.Replication;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Groups;

namespace Dr.Edge.Tests.Host.Quiesce;

public sealed class QuiescedPointTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("dr-quiet-").FullName;
    private readonly VolumeSet _set;

    public QuiescedPointTests() => _set = VolumeSet.Open(_directory, TimeProvider.System);

    public void Dispose()
    {
        _set.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData(false, PointConsistency.Application, "quiet")]
    [InlineData(true, PointConsistency.Crash, "too late")]
    public void A_window_that_ends_while_the_point_is_taken_makes_it_crash_consistent(bool endsInBetween, PointConsistency consistency, string reason)
    {
        var volume = _set.Create("v", 1 << 20);
        var window = new Window(() => volume.WriteAt(0, new byte[512]), endsInBetween);

        var point = volume.CreatePoint("p", window, mark => mark);

        volume.Points.Single().ShouldBe(point);
        (point.Consistency, point.Reason, point.Label).ShouldBe((consistency, reason, "p"));
        (point.Sequence.Value, volume.Appended.Value).ShouldBe((0, 1), "a write of after the look is not in the point");
    }

    [Fact]
    public void Of_a_group_each_is_asked_behind_its_last_write()
    {
        Volume[] volumes = [_set.Create("a", 1 << 20), _set.Create("b", 1 << 20)];

        var points = Volume.CreateGroup([.. volumes.Select(v => new GroupMember(v, new Window(() => v.WriteAt(0, new byte[512]), v.Name == "b")))], null);

        points.Select(p => (p.Consistency, p.Sequence.Value)).ShouldBe([(PointConsistency.Application, 0L), (PointConsistency.Crash, 0L)]);
        points.Select(p => p.Reason![p.Reason!.LastIndexOf(':')..]).ShouldBe([": quiet", ": too late"]);
    }

    /// <summary>Somebody writes at the moment of the look, as whoever was held back does when the quiet ends.</summary>
    private sealed class Window(Action write, bool hasEnded) : IQuiesceWindow
    {
        public QuiesceMark Mark
        {
            get
            {
                write();
                return hasEnded ? QuiesceMark.Crash("too late") : QuiesceMark.Application("quiet");
            }
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
