using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Space;

namespace Dr.Edge.Tests.Volumes.Space;

public sealed class SpaceServiceTests
{
    [Fact]
    public async Task A_file_system_that_cannot_be_asked_does_not_end_the_looks_at_it()
    {
        var faults = new Unasked();
        var log = new EventIds();
        using var store = new StoreFixture(faults: faults);
        using var giveWay = new GiveWay(store.Set, log);
        using var service = new SpaceService(store.Set, new SpaceKeeper(store.Set, faults, log), giveWay, TimeProvider.System, new EventIds<SpaceService>(log));
        faults.Fails = true;
        await service.StartAsync(CancellationToken.None);
        await Eventually.TrueAsync("the first look has failed", () => Task.FromResult(log.Seen.Contains(1156)));
        service.ExecuteTask!.IsCompleted.ShouldBeFalse();
        faults.Fails = false;
        var before = faults.Asked;
        await Eventually.TrueAsync("it is asked again", () => Task.FromResult(faults.Asked > before));
        await service.StopAsync(CancellationToken.None);
        service.ExecuteTask!.IsCompletedSuccessfully.ShouldBeTrue();
    }

    private sealed class Unasked : StoreFaults
    {
        private int _asked;

        public bool Fails { get; set; }

        public int Asked => Volatile.Read(ref _asked);

        public override FileSystemUse FileSystem(string path)
        {
            Interlocked.Increment(ref _asked);
            return Fails ? throw new NotSupportedException("a file system that does not say") : base.FileSystem(path);
        }
    }
}
