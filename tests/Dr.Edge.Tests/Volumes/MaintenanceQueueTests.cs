using Dr.Contracts.Errors;
using Dr.Edge.Tests.Volumes.Space;
using Dr.Edge.Volumes;

namespace Dr.Edge.Tests.Volumes;

public sealed class MaintenanceQueueTests
{
    [Fact]
    public async Task A_job_that_fails_as_none_should_does_not_end_the_queue()
    {
        var log = new EventIds();
        await using var queue = new MaintenanceQueue(log);
        queue.Start();
        queue.Post(() => throw new InvariantException("a fault"));
        queue.Post(() => throw new NotSupportedException("another"));
        await queue.DrainAsync().WaitAsync(TimeSpan.FromSeconds(10));
        log.Seen.Count(id => id == 1111).ShouldBe(2);
    }
}
