using Dr.Contracts.Mqtt;
using Dr.Edge.Buffers;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Buffers;

/// <summary>The disk is full from the n-th write on, for every n of a short life, and has room again later: no call hangs, nothing ends the process, and what was answered is there.</summary>
public sealed class FullDiskTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("dr-buffer-full-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_full_disk_refuses_rows_and_an_emptied_one_takes_them_again()
    {
        // Side by side: a buffer that found the disk full waits a second before it looks again.
        await Task.WhenAll(Enumerable.Range(0, 30).Select(room => Task.Run(() => LiveAsync(room))));

        // Whatever a broken transaction left behind is collected now, which must not end the process.
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    private async Task LiveAsync(int room)
    {
        var path = Path.Combine(Directory.CreateDirectory(Path.Combine(_directory, $"{room}")).FullName, "transactions.db");
        var disk = new Disk();
        List<long> answered = [];
        await using (var file = new BufferFile(path, 1 << 20, TimeProvider.System, NullLogger.Instance, disk.Open))
        {
            await file.Opened.WaitAsync(Patience);
            (await TryAddAsync(file, 0, answered)).ShouldBeTrue();
            disk.Room = room;
            for (var (n, refused) = (1, 0); refused < 2; n++)
            {
                n.ShouldBeLessThan(room + 10, "the disk was to be full");
                refused += await TryAddAsync(file, n, answered) ? 0 : 1;
            }

            disk.Room = null;
            await Eventually.TrueAsync("the buffer takes rows again once there is room", () => TryAddAsync(file, 1000, answered), Patience);
        }

        await using var again = new BufferFile(path, 1 << 20, TimeProvider.System, NullLogger.Instance);
        var there = await again.DoAsync(t => t.Outbox.Read(Lane.Transactions, 1).Select(r => long.Parse(r.Key.AsSpan("row-".Length), null)).ToArray(), CancellationToken.None).WaitAsync(Patience);
        answered.Except(there).ShouldBeEmpty($"room for {room} writes");
        again.SetAside.ShouldBeEmpty("a full disk is no damage");
    }

    private static async Task<bool> TryAddAsync(BufferFile file, long number, List<long> answered)
    {
        try
        {
            await file.DoAsync(t => t.Outbox.Add(Lane.Transactions, new DataRow { Kind = "test", Key = $"row-{number}", At = DateTimeOffset.UnixEpoch, Body = new string('x', 500) }, "boot", 0, 0), CancellationToken.None).WaitAsync(Patience);
            answered.Add(number);
            return true;
        }
        catch (Dr.Contracts.Errors.DrException)
        {
            return false;
        }
    }

    /// <summary>Counts the writes of both files together.</summary>
    private sealed class Disk
    {
        /// <summary>Writes that still fit; null = any number.</summary>
        public int? Room { get; set; }

        public Stream Open(string path) => new File(this, path);

        private bool Takes()
        {
            if (Room is not { } room)
            {
                return true;
            }

            Room = Math.Max(0, room - 1);
            return room > 0;
        }

        private sealed class File(Disk disk, string path) : FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0)
        {
            public override void Write(ReadOnlySpan<byte> buffer)
            {
                if (!disk.Takes())
                {
                    base.Write(buffer[..(buffer.Length / 2)]);
                    throw new IOException("No space left on device");
                }

                base.Write(buffer);
            }
        }
    }
}
