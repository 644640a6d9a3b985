using Dr.Contracts.Mqtt;
using Dr.Edge.Host.Quiesce;
using Dr.Edge.Volumes;

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
        var point = volume.CreatePoint("p", new Window(endsInBetween), mark => mark);
        volume.Points.Single().ShouldBe(point);
        (point.Consistency, point.Reason, point.Label).ShouldBe((consistency, reason, "p"));
    }

    private sealed class Window(bool endsAfterFirstLook) : IQuiesceWindow
    {
        private int _looks;

        public QuiesceMark Mark => ++_looks > 1 && endsAfterFirstLook ? QuiesceMark.Crash("too late") : QuiesceMark.Application("quiet");

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
