using Dr.Edge.Tests.Volumes.Space;
using Dr.Edge.Volumes.Scrubbing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes.Scrubbing;

public sealed class ScrubServiceTests
{
    /// <summary>The book is damaged and cannot be set aside either.</summary>
    [Fact]
    public async Task A_disk_that_refuses_the_scrub_does_not_end_the_program()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var log = new EventIds();
        using var store = new StoreFixture(time: time);
        var book = Path.Combine(store.Set.Create("v", 1 << 20).DirectoryPath, ScrubBook.FileName);
        await File.WriteAllTextAsync(book, "no book", TestContext.Current.CancellationToken);
        Directory.CreateDirectory(Path.Combine(book + ".damaged", "in the way"));
        using var service = new ScrubService(new Scrubber(store.Set, store.Set.NewPacer(), TimeSpan.FromDays(7), store.Faults, NullLogger.Instance), time, new EventIds<ScrubService>(log));
        await service.StartAsync(CancellationToken.None);
        await Eventually.TrueAsync("a step has failed", () => log.Seen.Contains(1175));
        service.ExecuteTask!.IsCompleted.ShouldBeFalse();

        Directory.Delete(book + ".damaged", recursive: true);
        await Eventually.TrueAsync("the book is set aside once it can be", () =>
        {
            time.Advance(TimeSpan.FromMinutes(1));
            return File.Exists(book + ".damaged");
        });
        await service.StopAsync(CancellationToken.None);
    }
}
