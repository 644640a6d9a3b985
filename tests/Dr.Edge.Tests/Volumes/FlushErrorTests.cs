using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Tests.Volumes;

/// <summary>
/// Every flush and every write that a short life of a volume makes fails once, each in a run of its own. Whatever the store answers then, nothing that it answered before is lost, a failed flush is not
/// tried again, and the next start finds a right volume.
/// </summary>
public sealed class FlushErrorTests
{
    private const int SizeBytes = 32 * 4096;

    public static TheoryData<string, int> Failures => new()
    {
        { nameof(DiskCall.Sync), Posix.EIO },
        { nameof(DiskCall.Write), Posix.EIO },
        { nameof(DiskCall.Write), Posix.ENOSPC },
        { nameof(DiskCall.Make), Posix.ENOSPC },
        { nameof(DiskCall.Rename), Posix.EIO },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void Whichever_call_fails_once_nothing_answered_is_lost_and_a_failed_flush_is_never_repeated(string call, int errno)
    {
        var kind = Enum.Parse<DiskCall>(call);
        var failures = 0;
        for (var number = 1; number < 400; number++)
        {
            var disk = new FailOnce(kind, number, errno);
            using var store = new StoreFixture(faults: disk);
            var life = new Life(store);
            disk.Armed = true;
            life.Run();
            if (!disk.HasFailed)
            {
                break;
            }

            failures++;
            if (kind == DiskCall.Sync && disk.Path.EndsWith(".log", StringComparison.Ordinal) && disk.Path.Contains(store.Set.Get("v").Id.Value, StringComparison.Ordinal) && !life.Recovered)
            {
                disk.SyncsAfter.ShouldBe(0, $"{disk.Path} was flushed again after the flush that failed");
            }

            disk.Armed = false;
            store.Crash();
            life.Check($"{call} number {number}, {disk.Path}");
        }

        failures.ShouldBeGreaterThan(kind is DiskCall.Rename ? 0 : 2);
    }

    /// <summary>Writes, flushes, points, expiry, a clone, a restore, a promotion; each may be refused, and then nothing of it is expected.</summary>
    private sealed class Life(StoreFixture store)
    {
        private readonly Dictionary<Contracts.Ids.PointId, byte[]> _points = [];
        private readonly List<byte[]> _possible = [new byte[SizeBytes]];
        private bool _unknownContent;

        public bool Recovered { get; private set; }

        public void Run()
        {
            Try(() => store.Set.Create("v", SizeBytes));
            if (store.Set.Find("v") is not { } volume)
            {
                store.Reopen();
                Recovered = true;
                volume = store.Set.Find("v") ?? store.Set.Create("v", SizeBytes);
            }

            for (var round = 0; round < 3; round++)
            {
                Write(volume, round * 9000, round, fua: false);
                Write(volume, 40_000, round + 10, fua: true);
                var before = _possible[^1];
                Try(() => _points[volume.CreatePoint($"{round}", PointConsistency.Crash, null).Id] = before);
                Write(volume, 60_000, round + 20, fua: false);
                if (Try(volume.Flush))
                {
                    Sure();
                }
            }

            if (_points.Count > 0)
            {
                var victim = _points.First();
                _points.Remove(victim.Key); // Refused or not, nothing is expected of it.
                Try(() => volume.DeletePoint(victim.Key));
            }

            store.Set.Maintenance.DrainAsync().Wait();
            Try(() => volume.Promote(volume.Epoch.Next));
            if (_points.Count > 0)
            {
                var target = _points.Last();
                _possible.Add(target.Value);
                if (Try(() => volume.Restore(target.Key, default, null, CancellationToken.None)))
                {
                    Sure();
                }
                else
                {
                    _unknownContent = true; // Half restored, and the point taken first is the way back.
                }

                Try(() => store.Set.CreateClone(volume, target.Key, "c"));
            }
        }

        public void Check(string when)
        {
            store.Set.Damaged.ShouldBeEmpty(when);
            var volume = store.Set.Get("v");
            volume.Fault.ShouldBeNull(when);
            var content = StoreFixture.ReadAll(volume);
            (_unknownContent || _possible.Exists(possible => possible.AsSpan().SequenceEqual(content))).ShouldBeTrue($"{when}: the content is not what was answered");
            foreach (var (id, expected) in _points)
            {
                using var view = volume.OpenView(id);
                StoreFixture.ReadAll(view).AsSpan().SequenceEqual(expected).ShouldBeTrue($"{when}: point {id} has changed");
            }

            store.Set.Maintenance.DrainAsync().Wait();
            new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty(when);
            if (volume.Role != VolumeRole.Primary)
            {
                volume.Promote(volume.Epoch.Next); // A promotion that failed half way has seen its epoch.
            }

            StoreFixture.Write(volume, 0, StoreFixture.Pattern(4096, 99), fua: true);
        }

        private void Write(Volume volume, int offset, int seed, bool fua)
        {
            byte[] after = [.. _possible[^1]];
            var data = StoreFixture.Pattern(7000, seed);
            data.CopyTo(after, offset);
            var before = volume.Appended;
            if (Try(() => StoreFixture.Write(volume, offset, data, fua)))
            {
                _possible.Add(after);
                if (fua)
                {
                    Sure();
                }
            }
            else if (volume.Appended != before)
            {
                _possible.Add(after); // Written, but not sure.
            }
        }

        /// <summary>What came before the newest version cannot come back.</summary>
        private void Sure() => _possible.RemoveRange(0, _possible.Count - 1);

        private static bool Try(Action action)
        {
            try
            {
                action();
                return true;
            }
            catch (Exception exception) when (exception is DrException or BlockDeviceException)
            {
                return false;
            }
        }
    }

    private sealed class FailOnce(DiskCall kind, int number, int errno) : StoreFaults
    {
        private int _calls;

        public bool Armed { get; set; }

        public bool HasFailed { get; private set; }

        public string Path { get; private set; } = "";

        public int SyncsAfter { get; private set; }

        public override int BytesBeforeError(int length) => length / 2;

        public override int ErrorFor(DiskCall call, string path)
        {
            // The mark is only evidence; its failure is nobody's business.
            if (!Armed || call != kind || (call == DiskCall.Write && path.EndsWith("superblock", StringComparison.Ordinal)))
            {
                return 0;
            }

            if (HasFailed)
            {
                SyncsAfter += call == DiskCall.Sync && path == Path ? 1 : 0;
                return 0;
            }

            if (++_calls == number)
            {
                HasFailed = true;
                Path = path;
                return errno;
            }

            return 0;
        }
    }
}
