using System.Globalization;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Retention;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>One seed: a life is recorded, then the power is cut at instants of it, and what is left is opened by the real store on a real file system.</summary>
internal sealed class PowerCutRun(int seed, CutRules rules, Sabotage sabotage, int steps)
{
    // Where a sabotage acted: so many acts of a life, so many instants after each, and so many times the states.
    private const int MaxActs = 40;
    private const int NearInstants = 3;
    private const int NearStates = 4;
    private int _openedAt;

    /// <summary>States looked at.</summary>
    public int States { get; private set; }

    /// <summary>Cuts of the trace looked at, and how many there are.</summary>
    public (int Looked, int All) Cuts { get; private set; }

    /// <summary>How often the life did what.</summary>
    public IReadOnlyDictionary<string, int> Done { get; private set; } = new Dictionary<string, int>();

    /// <param name="statesPerCut">How many states are drawn at an instant.</param>
    /// <param name="everyCut">Look at each <paramref name="everyCut"/>th instant, beginning with one that depends on the seed.</param>
    /// <returns>Null, or what is wrong with how to repeat it.</returns>
    public string? Run(int statesPerCut, int everyCut)
    {
        var root = Directory.CreateTempSubdirectory("dr-cut-").FullName;
        try
        {
            var live = Path.Combine(root, "live");
            Directory.CreateDirectory(live);
            using var workload = new Workload(seed, sabotage, live);
            workload.Run(steps);
            var events = workload.Trace.ToArray();
            Done = workload.Done;
            Cuts = (0, events.Length);
            var near = Near(workload.Recorder.SabotagedAt);
            var state = Path.Combine(root, "state");
            return Sweep(workload, events, near.Contains, statesPerCut * NearStates, state)
                ?? Sweep(workload, events, cut => (cut + seed) % everyCut == 0 || cut == events.Length, statesPerCut, state);
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    /// <summary>The instants right after a sabotage acted, where what it did is on the disk and nothing has made up for it.</summary>
    private static HashSet<int> Near(IReadOnlyList<int> acts)
    {
        var step = Math.Max(1, acts.Count / MaxActs);
        return [.. acts.Where((_, i) => i % step == 0).SelectMany(act => Enumerable.Range(act, NearInstants))];
    }

    private string? Sweep(Workload workload, TraceEvent[] events, Predicate<int> isWanted, int states, string directory)
    {
        var disk = new CutDisk(rules);
        for (var cut = 0; cut <= events.Length; cut++)
        {
            if (cut > 0)
            {
                disk.Apply(events[cut - 1]);
            }

            if (!isWanted(cut))
            {
                continue;
            }

            Cuts = (Cuts.Looked + 1, Cuts.All);
            for (var draw = 0; draw < states; draw++)
            {
                if (Look(workload, disk, cut, draw, directory) is { } problem)
                {
                    return problem;
                }
            }
        }

        return null;
    }

    private string? Look(Workload workload, CutDisk disk, int cut, int draw, string directory)
    {
        var random = new Random(HashCode(seed, cut, draw));
        var style = (CutStyle)random.Next(7);
        var image = disk.Cut(random, style);
        States++;
        var recorder = draw % 4 == 3 ? new TraceRecorder(directory, Sabotage.None) : null;
        var oracle = new Oracle(workload.Volumes, cut, mayChange: recorder is null);
        if (Open(image, directory, recorder ?? (StoreFaults)PretendedFlushes.One, workload.Time, oracle, random) is { } problems)
        {
            return Describe(workload, cut, draw, style, problems);
        }

        if (recorder is null)
        {
            return null;
        }

        // The power goes again while, or after, the store recovers.
        var (again, _, _) = CutDisk.From(image, rules);
        var second = random.Next(recorder.Count + 1);
        foreach (var made in recorder.Events.Take(second))
        {
            again.Apply(made);
        }

        var secondStyle = (CutStyle)random.Next(7);
        var secondOracle = new Oracle(workload.Volumes, cut, mayChange: true);
        if (second >= _openedAt)
        {
            foreach (var (name, found) in oracle.Found)
            {
                secondOracle.AtLeast[name] = found;
            }
        }

        return Open(again.Cut(random, secondStyle), directory, PretendedFlushes.One, workload.Time, secondOracle, random) is { } later
            ? Describe(workload, cut, draw, style, $"after a second cut at event {second} of {recorder.Count} of the recovery ({secondStyle}): {later}")
            : null;
    }

    private string? Open(IReadOnlyDictionary<string, byte[]?> image, string directory, StoreFaults faults, TimeProvider time, Oracle oracle, Random random)
    {
        Write(image, directory);
        if (faults is TraceRecorder recorder)
        {
            var (_, nodes, next) = CutDisk.From(image, rules);
            recorder.Adopt(nodes, next);
        }

        try
        {
            using var set = VolumeSet.Open(directory, time, faults, NullLogger.Instance, EffectivePolicy.BuiltIn with { FineWindow = TimeSpan.Zero }, isPaced: false, awaitsHolds: true);
            _openedAt = (faults as TraceRecorder)?.Count ?? 0;
            var problems = oracle.Check(set, random);
            return problems.Count == 0 ? null : string.Join("\n    ", problems);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            // Whatever a state does to the store, the report must say which state it was.
            return $"the store threw: {exception}";
        }
    }

    /// <summary>Over what the last state left: making and removing files is what would take the time.</summary>
    internal static void Write(IReadOnlyDictionary<string, byte[]?> image, string directory)
    {
        Directory.CreateDirectory(directory);
        foreach (var entry in new DirectoryInfo(directory).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).ToList())
        {
            var relative = Path.GetRelativePath(directory, entry.FullName);
            var wanted = image.TryGetValue(relative, out var content) && content is null == entry is DirectoryInfo;
            if (!wanted && entry is DirectoryInfo folder && Directory.Exists(entry.FullName))
            {
                folder.Delete(recursive: true);
            }
            else if (!wanted && File.Exists(entry.FullName))
            {
                File.Delete(entry.FullName);
            }
        }

        foreach (var (path, content) in image.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            var full = Path.Combine(directory, path);
            if (content is null)
            {
                Directory.CreateDirectory(full);
                continue;
            }

            using var file = File.OpenHandle(full, FileMode.OpenOrCreate, FileAccess.ReadWrite);
            RandomAccess.Write(file, content, 0);
            if (RandomAccess.GetLength(file) != content.Length)
            {
                RandomAccess.SetLength(file, content.Length);
            }
        }
    }

    private string Describe(Workload workload, int cut, int draw, CutStyle style, string problems)
    {
        var log = workload.Log.Where(entry => entry.Begun <= cut).TakeLast(12).Select(entry => $"    {entry.Begun,5}  {entry.Text}");
        var events = workload.Trace.Take(cut).TakeLast(12).Select(Name);
        return $"""
            Power cut: seed {seed}, {rules}, cut {cut} of {workload.Trace.Count}, draw {draw}, {style}; sabotage: {sabotage}
                {problems}
            Done before it (trace position, what was begun):
            {string.Join('\n', log)}
            Last file operations before it:
            {string.Join('\n', events.Select(e => "    " + e))}
            Repeat: DR_CUT_SEED={seed} DR_CUT_SEEDS=1 DR_CUT_EVERY=1 Dr.Edge.Tests -method '*PowerCutTests.What_was_flushed*'
            """;
    }

    private static string Name(TraceEvent made) => made switch
    {
        TraceEvent.Write write => $"write node {write.Node} {write.Offset}+{write.Data.Length}",
        TraceEvent.Names names => "names " + string.Join(", ", names.Changes.Select(change => $"{change.Name} in {change.Directory} = {change.Node?.ToString(CultureInfo.InvariantCulture) ?? "gone"}")),
        _ => made.ToString(),
    };

    // The framework's own combination differs from process to process.
    private static int HashCode(int seed, int cut, int draw) => unchecked((seed * 486187739) + (cut * 16777619) + (draw * 7919));

    /// <summary>The state on disk is thrown away after it was looked at; nothing is gained by waiting for it.</summary>
    private sealed class PretendedFlushes : StoreFaults
    {
        public static readonly PretendedFlushes One = new();

        public override int ErrorFor(DiskCall call, string path) => call == DiskCall.Sync ? Pretend : 0;
    }
}
