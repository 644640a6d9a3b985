using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Buffers;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Buffers;

/// <summary>What the thread that owns a buffer's file meets and nobody named: whoever waits hears of it, and the thread goes on.</summary>
public sealed class BufferFaultTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly string _directory = Directory.CreateTempSubdirectory("dr-buffer-fault-").FullName;

    private string File => Path.Combine(_directory, "transactions.db");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Work_that_fails_as_none_should_is_told_so_and_the_next_is_done()
    {
        await using var file = new BufferFile(File, 1 << 20, TimeProvider.System, NullLogger.Instance);
        await file.DoAsync(t => Add(t, 1), CancellationToken.None).WaitAsync(Patience);
        await Should.ThrowAsync<DrException>(() => file.DoAsync<bool>(_ => throw new InvariantException("a fault"), CancellationToken.None).WaitAsync(Patience));
        await Should.ThrowAsync<DrException>(() => file.DoAsync<bool>(_ => throw new NotSupportedException("another"), CancellationToken.None).WaitAsync(Patience));
        await file.DoAsync(t => Add(t, 2), CancellationToken.None).WaitAsync(Patience);
        (await file.DoAsync(t => t.Outbox.Read(Lane.Transactions, 1).Count, CancellationToken.None).WaitAsync(Patience)).ShouldBe(2);
        file.SetAside.ShouldBeEmpty("the file is as it was written");
    }

    [Fact]
    public async Task A_file_that_cannot_be_opened_says_why_to_everybody_who_asks_later()
    {
        await using var file = new BufferFile(File, 1 << 20, TimeProvider.System, NullLogger.Instance, _ => throw new IOException("no such disk"));
        await Should.ThrowAsync<DrException>(() => file.Opened.WaitAsync(Patience));
        (await Should.ThrowAsync<DrException>(() => file.DoAsync(_ => true, CancellationToken.None).WaitAsync(Patience))).Message.ShouldContain("no such disk");
    }

    private static bool Add(BufferTables tables, int number)
    {
        tables.Outbox.Add(Lane.Transactions, new DataRow { Kind = "test", Key = $"row-{number}", At = DateTimeOffset.UnixEpoch, Body = "x" }, "boot", 0, 0);
        return true;
    }
}
