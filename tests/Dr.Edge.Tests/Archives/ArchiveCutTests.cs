using Dr.Contracts.Errors;
using Dr.Edge.Archives;
using Dr.Edge.Archives.Format;
using Dr.Edge.Archives.Reading;
using Dr.Edge.Archives.Writing;
using Dr.Edge.Tests.Nbd;
using Dr.Edge.Tests.Volumes.PowerCut;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Disk;

namespace Dr.Edge.Tests.Archives;

/// <summary>
/// The power is cut at every instant of the creation of an archive, on every medium that the rules allow: what is left is no archive, one that says what it lacks, or the whole one, and the same command makes it whole. Never one that is
/// called whole and is not. <c>DR_ARCHIVE_CUT_STATES=N</c> draws N states at every instant in place of 2.
/// </summary>
public sealed class ArchiveCutTests(ITestOutputHelper output) : IDisposable
{
    private const int BlockBytes = 4096;
    private const int PartBytes = 40_000;
    private static readonly int StatesPerCut = int.TryParse(Environment.GetEnvironmentVariable("DR_ARCHIVE_CUT_STATES"), out var states) ? states : 2;
    private const string Name = "a";
    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("dr-archive-cut-");
    private readonly MemoryDevice _source = new(32 * BlockBytes);

    public void Dispose() => _root.Delete(recursive: true);

    [Theory]
    [InlineData("Journaled", false)]
    [InlineData("Strict", false)]
    [InlineData("Journaled", true)]
    [InlineData("Strict", true)]
    public void A_power_cut_leaves_an_archive_that_is_whole_or_says_that_it_is_not_and_goes_on(string rules, bool asFile)
    {
        var (problem, whole, resumed, states) = Sweep(Enum.Parse<CutRules>(rules), asFile, Sabotage.None);
        problem.ShouldBeNull();
        output.WriteLine($"{states} states, {whole} of them whole, {resumed} went on behind a part");
        whole.ShouldBeInRange(1, states - 1, "at the end it is whole, and not before");
        resumed.ShouldBeGreaterThan(0);
    }

    /// <summary>The sweep itself: it finds a writer that names a part before its content is on the medium.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_writer_that_does_not_flush_its_parts_is_found(bool asFile) =>
        Sweep(CutRules.Strict, asFile, Sabotage.Skip("parts are not flushed", path => path.EndsWith(ArchiveNames.PartialExtension, StringComparison.Ordinal))).Problem.ShouldNotBeNull();

    private (string? Problem, int Whole, int Resumed, int States) Sweep(CutRules rules, bool asFile, Sabotage sabotage)
    {
        Fill(_source);
        var medium = Path.Combine(_root.FullName, "recorded");
        Directory.CreateDirectory(medium);
        var recorder = new TraceRecorder(medium, sabotage);

        // An attempt that is cut off, and the one that goes on: two halves of one life.
        Should.Throw<OperationCanceledException>(() => Write(medium, asFile, recorder, stopAt: _source.SizeBytes / 2));
        Write(medium, asFile, recorder, stopAt: null);

        var (disk, random) = (new CutDisk(rules), new Random(7));
        var (whole, resumed, states) = (0, 0, 0);
        for (var cut = 0; cut <= recorder.Count; cut++)
        {
            if (cut > 0)
            {
                disk.Apply(recorder.Events[cut - 1]);
            }

            for (var draw = 0; draw < StatesPerCut; draw++, states++)
            {
                var style = (CutStyle)(draw == 0 ? 0 : random.Next(7));
                var state = Path.Combine(_root.FullName, "state");
                PowerCutRun.Write(disk.Cut(random, style), state);
                try
                {
                    var wasWhole = IsWhole(state, asFile);
                    whole += wasWhole ? 1 : 0;
                    if (!wasWhole)
                    {
                        resumed += Write(state, asFile, Pretended.One, stopAt: null) > 0 ? 1 : 0;
                        IsWhole(state, asFile).ShouldBeTrue("the same command has not made it whole");
                    }
                }
                catch (Exception exception) when (exception is DrException or ShouldAssertException or IOException or InvariantException)
                {
                    return ($"{rules}, cut {cut} of {recorder.Count}, {style}, state {states}: {exception.Message}", whole, resumed, states);
                }
            }
        }

        return (null, whole, resumed, states);
    }

    /// <summary>False: there is none, or it is one that says that it is not whole. One that is called whole must be the source.</summary>
    private bool IsWhole(string medium, bool asFile)
    {
        var place = asFile ? Path.Combine(medium, $"{Name}.dra") : medium;
        if (asFile ? !File.Exists(place) : !File.Exists(Path.Combine(medium, ArchiveNames.Catalogue(Name))))
        {
            return false;
        }

        using var set = ArchiveLocator.FindOne(place, Name);
        if (ArchiveVerify.Run(set, null, static (_, _) => { }, CancellationToken.None).Findings.Count > 0)
        {
            throw new DrException("It has the name of a whole archive and is damaged.");
        }

        var (read, expected) = (new byte[_source.SizeBytes], new byte[_source.SizeBytes]);
        ArchiveReader.Run(set, null, 0, (_, offset, content) => content.CopyTo(read.AsMemory((int)offset)), static (_, _) => { }, afterPart: null, CancellationToken.None);
        _source.Read(0, expected);
        read.AsSpan().SequenceEqual(expected).ShouldBeTrue("it verifies and is not what was archived");
        return true;
    }

    /// <summary>Where in the volume it went on.</summary>
    private long Write(string medium, bool asFile, StoreFaults faults, long? stopAt)
    {
        using IArchiveTarget target = asFile ? new FileTarget(Path.Combine(medium, $"{Name}.dra"), faults) : new FolderTarget(medium, Name, faults);
        using var stop = new CancellationTokenSource();
        var writer = new ArchiveWriter(_source, target, MemoryArchive.Describe(PartBytes, name: Name), secret: null, recordBytes: BlockBytes);
        writer.Run(
            (done, _) =>
            {
                if (done >= stopAt)
                {
                    stop.Cancel();
                }
            },
            stop.Token);
        return writer.ResumedAtBytes;
    }

    private static void Fill(MemoryDevice device)
    {
        var random = new Random(3);
        for (var block = 0; block < device.SizeBytes / BlockBytes; block++)
        {
            if (block % 5 != 4)
            {
                random.NextBytes(device.Content.AsSpan(block * BlockBytes, BlockBytes));
            }
        }
    }

    /// <summary>The state on disk is thrown away after it was looked at; nothing is gained by waiting for it.</summary>
    private sealed class Pretended : StoreFaults
    {
        public static readonly Pretended One = new();

        public override int ErrorFor(DiskCall call, string path) => call == DiskCall.Sync ? Pretend : 0;
    }
}
