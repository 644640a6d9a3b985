using Dr.Contracts.Ids;
using Dr.Edge.Volumes.Disk;
using Dr.Edge.Volumes.Format;

namespace Dr.Edge.Tests.Volumes;

/// <summary>What is done beside the manifest while records go on: a crash at any of it leaves the last record that was committed.</summary>
public sealed class ManifestFileTests : IDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"dr-manifest-{Guid.NewGuid():N}");
    private readonly ManifestState _state = new() { Volume = VolumeId.New(), Name = "v", SizeBytes = 4096 };
    private readonly ManifestFile _manifest;

    public ManifestFileTests()
    {
        Directory.CreateDirectory(_directory);
        _manifest = ManifestFile.Create(Manifest, _state, StoreFaults.None);
    }

    private string Manifest => Path.Combine(_directory, "manifest");

    public void Dispose()
    {
        _manifest.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void A_replacement_has_what_was_committed_while_it_was_written(int meanwhile)
    {
        Commit(new string('l', 5000)); // The record that is copied first is longer than those that come after it.
        var next = _manifest.BeginReplacement();
        next.Write();
        for (var i = 0; i < meanwhile; i++)
        {
            Commit($"meanwhile {i}");
        }

        ShouldBeAfterACrash(_manifest.State);
        _manifest.EndReplacement(next, replaces: true);
        ShouldBeAfterACrash(_manifest.State);
        Records().ShouldBe([2L + meanwhile], "one record, with the number it had");
        Commit("after");
        ShouldBeAfterACrash(_manifest.State);
        Records().ShouldBe([2L + meanwhile, 3L + meanwhile]);
        File.Exists(Manifest + ".new").ShouldBeFalse();
    }

    [Fact]
    public void A_replacement_that_is_given_up_leaves_the_old_file_and_nothing_else()
    {
        var next = _manifest.BeginReplacement();
        next.Write();
        Commit("meanwhile");
        _manifest.EndReplacement(next, replaces: false);
        ShouldBeAfterACrash(_manifest.State);
        Records().ShouldBe([1L, 2L]);
        Directory.GetFiles(_directory).ShouldBe([Manifest]);
    }

    [Fact]
    public void Records_are_written_over_the_room_and_a_reader_cuts_what_is_left_of_it()
    {
        _manifest.WantsRoom.ShouldBeTrue();
        _manifest.BeginRoom().ShouldNotBeNull().SyncData();
        _manifest.EndRoom();
        _manifest.WantsRoom.ShouldBeFalse();
        var length = new FileInfo(Manifest).Length;
        ShouldBeAfterACrash(_state);
        for (var i = 0; i < 20; i++)
        {
            Commit($"{i}");
        }

        new FileInfo(Manifest).Length.ShouldBe(length, "a flush of a record has no new length to make durable");
        ShouldBeAfterACrash(_manifest.State);
        while (!_manifest.WantsRoom)
        {
            Commit("more");
        }

        _manifest.BeginRoom().ShouldNotBeNull().SyncData();
        Commit("before the room is said to be there");
        _manifest.EndRoom();
        ShouldBeAfterACrash(_manifest.State);
    }

    [Fact]
    public void A_closed_manifest_ends_with_its_last_record()
    {
        var path = Path.Combine(_directory, "other");
        using (var closed = ManifestFile.Create(path, _state, StoreFaults.None))
        {
            closed.BeginRoom().ShouldNotBeNull().SyncData();
            closed.EndRoom();
            File.ReadAllBytes(path)[^1].ShouldBe((byte)0);
        }

        File.ReadAllBytes(path)[^1].ShouldBe((byte)'}');
    }

    private void Commit(string name) => _manifest.Commit(_state with { Name = name });

    private List<long> Records()
    {
        var content = File.ReadAllBytes(Manifest);
        List<long> numbers = [];
        for (var position = 0; ManifestRecord.TryRead(content.AsSpan(position), out var number, out var length) is not null; position += length)
        {
            numbers.Add(number);
        }

        return numbers;
    }

    /// <summary>What is in the directory now, opened as the next start would.</summary>
    private void ShouldBeAfterACrash(ManifestState state)
    {
        var copy = Path.Combine(_directory, "copy");
        File.Copy(Manifest, copy);
        using (var opened = ManifestFile.Open(copy, _manifest.Records, StoreFaults.None))
        {
            opened.State.Name.ShouldBe(state.Name);
            opened.Records.ShouldBe(_manifest.Records);
            opened.FindDamage().ShouldBeNull();
        }

        File.ReadAllBytes(copy)[^1].ShouldBe((byte)'}', "the room was cut");
        File.Delete(copy);
    }
}
