using System.Diagnostics;
using Dr.Contracts.Ids;
using Dr.Crash.Child;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Groups;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Volumes;

/// <summary>A child works on a store and is killed, at a named point or at any instant; this process then opens what is left and compares it with what the child was told to do.</summary>
public sealed class CrashTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"dr-crash-{Guid.NewGuid():N}");
    private readonly Dictionary<PointId, byte[]> _points = [];
    private byte[] _live = new byte[Step.VolumeBytes];

    public CrashTests() => Directory.CreateDirectory(_directory);

    public static TheoryData<string> Points => [.. CrashPoints.All];

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [MemberData(nameof(Points))]
    public void Nothing_answered_is_lost_when_the_process_dies_at(string point)
    {
        // A quiet start gives every kind of step something to work on.
        Round(seed: 1, count: 60, crashAt: null, killAfter: null);
        var hit = false;
        for (var seed = 2; seed < 12 && !hit; seed++)
        {
            hit = Round(seed, count: 400, crashAt: $"{point}:{1 + (seed % 3)}", killAfter: null);
        }

        hit.ShouldBeTrue($"no step ever passed {point}");
        Round(seed: 100, count: 20, crashAt: null, killAfter: null);
    }

    [Fact]
    public void Nothing_answered_is_lost_when_the_process_is_killed_at_any_instant()
    {
        var rounds = int.Parse(Environment.GetEnvironmentVariable("DR_KILL_ROUNDS") ?? "8", null);
        var seed = int.Parse(Environment.GetEnvironmentVariable("DR_KILL_SEED") ?? "1000", null);
        var random = new Random(seed);
        for (var round = 0; round < rounds; round++)
        {
            Round(seed + round, count: 100_000, crashAt: null, killAfter: 20 + random.Next(400)).ShouldBeTrue();
        }
    }

    /// <summary>Runs the child until it ends or dies and checks what it left; true when it died.</summary>
    private bool Round(int seed, int count, string? crashAt, int? killAfter)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "dr-crash-child"), [_directory, $"{seed}", $"{count}"]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        if (crashAt is not null)
        {
            start.Environment["DR_CRASH_AT"] = crashAt;
        }

        using var child = Process.Start(start)!;
        var errors = child.StandardError.ReadToEndAsync();
        var (begun, done, ended) = (-1, -1, false);
        var details = new Dictionary<int, string>();
        while (child.StandardOutput.ReadLine() is { } line)
        {
            var parts = line.Split(' ');
            switch (parts[0])
            {
                case "begin":
                    begun = int.Parse(parts[1], null);
                    break;
                case "done":
                    done = int.Parse(parts[1], null);
                    details[done] = string.Join(' ', parts[2..]);
                    if (done == killAfter)
                    {
                        child.Kill();
                    }

                    break;
                case "end":
                    ended = true;
                    break;
            }
        }

        child.WaitForExit();
        (ended || child.ExitCode == 137).ShouldBeTrue($"seed {seed}: the child failed after step {done} ({child.ExitCode}): {errors.Result}");
        Check(seed, begun, done, details);
        return !ended;
    }

    private void Check(int seed, int begun, int done, Dictionary<int, string> details)
    {
        using var set = VolumeSet.Open(_directory, TimeProvider.System, StoreFaults.None, NullLogger.Instance, TimeSpan.Zero);
        set.Damaged.ShouldBeEmpty($"seed {seed}");
        if (set.Find("v") is not { } volume)
        {
            done.ShouldBe(-1);
            return;
        }

        volume.Fault.ShouldBeNull($"seed {seed}");
        var (candidates, pending) = Replay(seed, begun, done, details);
        var actual = StoreFixture.ReadAll(volume);
        var matched = candidates.FindLast(candidate => candidate.Content.AsSpan().SequenceEqual(actual));
        matched.Content.ShouldNotBeNull($"seed {seed}: the live content is none that steps {candidates[0].After} to {candidates[^1].After} leave (done {done}, begun {begun})");
        _live = actual;
        CheckPoints(seed, volume, pending);
        CheckReplica(seed, set);
        CheckGroups(seed, done, set, details);
        foreach (var each in set.Volumes)
        {
            new Verifier(each, (_, _) => { }, CancellationToken.None).Run(null, null).Bad.ShouldBeEmpty($"seed {seed}, {each.Name}");
        }
    }

    /// <summary>Every content the volume may have now, from the last step that had to be durable on; and the content at each point the steps took.</summary>
    private (List<(int After, byte[] Content)> Candidates, byte[]? Pending) Replay(int seed, int begun, int done, Dictionary<int, string> details)
    {
        byte[] content = [.. _live];
        var candidates = new List<(int, byte[])> { (-1, [.. content]) };
        byte[]? pending = null;
        for (var number = 0; number <= begun; number++)
        {
            var step = Step.At(seed, number);
            var answered = number <= done;
            switch (step.Kind)
            {
                case StepKind.Point when answered:
                    _points[PointId.Create(details[number])] = [.. content];
                    candidates.Clear();
                    break;
                case StepKind.Point:
                    pending = [.. content];
                    break;
                case StepKind.Group when answered:
                    _points[PointId.Create(details[number].Split(' ')[0])] = [.. content];
                    candidates.Clear();
                    break;
                case StepKind.Group:
                    pending = [.. content];
                    break;
                case StepKind.Restore when answered && details[number].StartsWith("cancelled", StringComparison.Ordinal):
                    _points[PointId.Create(details[number].Split(' ')[1])] = [.. content];
                    candidates.Clear();
                    break;
                case StepKind.Restore when answered && details[number].Length > 0:
                    var ids = details[number].Split(' ');
                    _points[PointId.Create(ids[1])] = [.. content];
                    _points[PointId.Create(ids[0])].CopyTo(content, 0);
                    candidates.Clear();
                    break;
                case StepKind.Restore:
                    // It may have begun: opening the volume finishes it.
                    pending = [.. content];
                    candidates.AddRange(_points.Values.Select(at => (number, at)));
                    break;
                case StepKind.Flush or StepKind.WriteThrough when answered:
                    step.ApplyTo(content);
                    candidates.Clear();
                    break;
                default:
                    step.ApplyTo(content);
                    break;
            }

            candidates.Add((number, [.. content]));
        }

        return (candidates, pending);
    }

    private void CheckPoints(int seed, Volume volume, byte[]? pending)
    {
        foreach (var point in volume.Points)
        {
            using var view = volume.OpenView(point.Id);
            var actual = StoreFixture.ReadAll(view);
            if (!_points.TryGetValue(point.Id, out var expected))
            {
                // Not answered, but recorded before the end; or the one a restore took first.
                (point.Label == "before restore" || (pending is not null && pending.AsSpan().SequenceEqual(actual))).ShouldBeTrue($"seed {seed}: point {point.Id} was never taken");
                _points[point.Id] = actual;
                continue;
            }

            actual.AsSpan().SequenceEqual(expected).ShouldBeTrue($"seed {seed}: point {point.Id} has changed");
        }
    }

    /// <summary>The last group that was answered is whole; one that was not answered may be there by halves, and then says so.</summary>
    private static void CheckGroups(int seed, int done, VolumeSet set, Dictionary<int, string> details)
    {
        for (var number = done; number >= 0; number--)
        {
            if (Step.At(seed, number).Kind == StepKind.Group)
            {
                var ids = details[number].Split(' ');
                var second = set.Get("g").Points.FirstOrDefault(p => p.Id == PointId.Create(ids[1]));
                second.ShouldNotBeNull($"seed {seed}: the group of step {number} has lost a point");
                PointGroup.Of(second)!.VolumeCount.ShouldBe(2);
                if (set.Get("v").Points.FirstOrDefault(p => p.Id == PointId.Create(ids[0])) is { } first)
                {
                    PointGroup.Of(first).ShouldBe(PointGroup.Of(second));
                }

                return;
            }
        }
    }

    private void CheckReplica(int seed, VolumeSet set)
    {
        if (set.Find("r") is not { } replica)
        {
            return;
        }

        replica.Fault.ShouldBeNull();
        foreach (var point in replica.Points.Where(point => _points.ContainsKey(point.Id)))
        {
            using var view = replica.OpenView(point.Id);
            StoreFixture.ReadAll(view).AsSpan().SequenceEqual(_points[point.Id]).ShouldBeTrue($"seed {seed}: the replica's point {point.Id} is not the source's");
        }

    }
}
