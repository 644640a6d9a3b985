using Dr.Contracts.Errors;
using Dr.Edge.Cli;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Transfers;

namespace Dr.Edge.Tests.Volumes.Transfers;

/// <summary>Images in and out: what was cut off goes on where it stopped, and never onto something else.</summary>
public sealed class TransferTests : IDisposable
{
    private const int MiB = 1 << 20;
    private const int SizeBytes = 24 * MiB;
    private const int StepBytes = 4 * MiB;
    private readonly StoreFixture _store = new();
    private readonly string _directory = Path.Combine(Path.GetTempPath(), $"dr-transfer-{Guid.NewGuid():N}");
    private readonly string _image;

    public TransferTests()
    {
        Directory.CreateDirectory(_directory);
        _image = Path.Combine(_directory, "image.raw");
    }

    public void Dispose()
    {
        _store.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void An_export_that_was_stopped_goes_on_where_it_stopped_and_is_the_volume()
    {
        var volume = Filled();
        var point = volume.CreatePoint(null, default, null);
        StopExport(volume, point.Id, 13 * MiB);
        StoreFixture.Write(volume, 0, StoreFixture.Pattern(MiB, 99));

        var result = Export(volume, point.Id);
        result.ResumedAtBytes.ShouldBeGreaterThanOrEqualTo(12 * MiB);
        ShouldBe(Content(volume, point.Id));
        Directory.GetFiles(_directory).ShouldBe([_image]);
    }

    [Fact]
    public void What_lies_behind_the_last_recorded_step_of_an_export_is_written_again()
    {
        var volume = Filled();
        var point = volume.CreatePoint(null, default, null);
        StopExport(volume, point.Id, 9 * MiB);
        using (var part = new FileStream(ImageExport.PartOf(_image), FileMode.Open))
        {
            // What a kill leaves: more in the file than the state knows, and none of it to be believed.
            part.Position = TransferState.TryRead(ImageExport.StateOf(_image))!.DoneBytes;
            part.Write(StoreFixture.Pattern(3 * MiB, 5));
        }

        Export(volume, point.Id).ResumedAtBytes.ShouldBeGreaterThan(0);
        ShouldBe(Content(volume, point.Id));
    }

    [Fact]
    public void An_export_never_goes_on_with_another_position_or_a_damaged_state()
    {
        var volume = Filled();
        var point = volume.CreatePoint(null, default, null);
        StopExport(volume, point.Id, 13 * MiB);
        StoreFixture.Write(volume, 4096, StoreFixture.Pattern(8192, 77));
        var other = volume.CreatePoint(null, default, null);
        Export(volume, other.Id).ResumedAtBytes.ShouldBe(0);
        ShouldBe(Content(volume, other.Id));

        StopExport(volume, point.Id, 13 * MiB);
        var state = File.ReadAllBytes(ImageExport.StateOf(_image));
        state[^3] ^= 1;
        File.WriteAllBytes(ImageExport.StateOf(_image), state);
        Export(volume, point.Id).ResumedAtBytes.ShouldBe(0);
        ShouldBe(Content(volume, point.Id));
    }

    [Fact]
    public void Written_zeros_become_holes_in_the_image()
    {
        var volume = _store.Set.Create("v", SizeBytes);
        StoreFixture.Write(volume, 0, new byte[8 * MiB]);
        StoreFixture.Write(volume, 20 * MiB, StoreFixture.Pattern(4096, 1));
        var point = volume.CreatePoint(null, default, null);
        Export(volume, point.Id).DataBytes.ShouldBe(4096);
        new FileInfo(_image).Length.ShouldBe(SizeBytes);
    }

    [Fact]
    public void An_import_that_was_stopped_goes_on_where_it_stopped()
    {
        var content = WriteImage(SizeBytes);
        var volume = _store.Set.Create("v", SizeBytes);
        StopImport(volume, 13 * MiB);
        Import(volume).ResumedAtBytes.ShouldBeGreaterThanOrEqualTo(12 * MiB);
        StoreFixture.ReadAll(volume).AsSpan().SequenceEqual(content).ShouldBeTrue();
        File.Exists(Path.Combine(volume.DirectoryPath, ImageImport.StateName)).ShouldBeFalse();
    }

    [Fact]
    public void An_import_goes_on_after_a_crash_that_left_more_writes_than_were_recorded()
    {
        var content = WriteImage(SizeBytes);
        var volume = _store.Set.Create("v", SizeBytes);
        StopImport(volume, 9 * MiB);
        StoreFixture.Write(volume, 14 * MiB, StoreFixture.Pattern(MiB, 3));
        _store.Crash();
        volume = _store.Set.Get("v");
        Import(volume).ResumedAtBytes.ShouldBeGreaterThan(0);
        StoreFixture.ReadAll(volume).AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public void An_import_begins_anew_when_its_source_changed_or_the_volume_was_written_before_its_place()
    {
        WriteImage(SizeBytes);
        var volume = _store.Set.Create("v", SizeBytes);
        StopImport(volume, 13 * MiB);
        StoreFixture.Write(volume, MiB, StoreFixture.Pattern(512, 3));
        Import(volume).ResumedAtBytes.ShouldBe(0);

        StopImport(volume, 13 * MiB);
        var content = WriteImage(SizeBytes, seed: 8);
        File.SetLastWriteTimeUtc(_image, DateTime.UtcNow.AddSeconds(5));
        Import(volume).ResumedAtBytes.ShouldBe(0);
        StoreFixture.ReadAll(volume).AsSpan().SequenceEqual(content).ShouldBeTrue();
    }

    [Fact]
    public void A_shorter_image_leaves_zeros_behind_it_and_a_longer_one_is_refused_with_the_size_that_fits()
    {
        var volume = Filled();
        var content = WriteImage((5 * MiB) + 513);
        Import(volume);
        var read = StoreFixture.ReadAll(volume);
        read.AsSpan(0, content.Length).SequenceEqual(content).ShouldBeTrue();
        read.AsSpan(content.Length).IndexOfAnyExcept((byte)0).ShouldBe(-1);

        WriteImage(SizeBytes + 1);
        Should.Throw<DrException>(() => Import(volume)).Hint.ShouldNotBeNull().ShouldContain($"--size {SizeBytes + 4096}");
    }

    private Volume Filled()
    {
        var volume = _store.Set.Create("v", SizeBytes);
        for (var i = 0; i < 20; i++)
        {
            StoreFixture.Write(volume, i * MiB, StoreFixture.Pattern(MiB - (i * 4096), i));
        }

        return volume;
    }

    private byte[] WriteImage(int length, int seed = 4)
    {
        var content = StoreFixture.Pattern(length, seed);
        content.AsSpan(Math.Min(2 * MiB, length), Math.Min(MiB, length - Math.Min(2 * MiB, length))).Clear();
        File.WriteAllBytes(_image, content);
        return content;
    }

    private TransferResult Export(Volume volume, Dr.Contracts.Ids.PointId point)
    {
        using var view = volume.OpenView(point);
        return ImageExport.Run(view, _image, (_, _) => { }, CancellationToken.None, StepBytes);
    }

    private void StopExport(Volume volume, Dr.Contracts.Ids.PointId point, long after)
    {
        using var stop = new CancellationTokenSource();
        using var view = volume.OpenView(point);
        Should.Throw<OperationCanceledException>(() => ImageExport.Run(view, _image, (done, _) => Stop(stop, done, after), stop.Token, StepBytes));
    }

    private TransferResult Import(Volume volume) => ImageImport.Run(volume, _image, (_, _) => { }, CancellationToken.None, StepBytes);

    private void StopImport(Volume volume, long after)
    {
        using var stop = new CancellationTokenSource();
        Should.Throw<OperationCanceledException>(() => ImageImport.Run(volume, _image, (done, _) => Stop(stop, done, after), stop.Token, StepBytes));
    }

    private static void Stop(CancellationTokenSource stop, long done, long after)
    {
        if (done >= after)
        {
            stop.Cancel();
        }
    }

    private static byte[] Content(Volume volume, Dr.Contracts.Ids.PointId point)
    {
        using var view = volume.OpenView(point);
        return StoreFixture.ReadAll(view);
    }

    private void ShouldBe(byte[] content) => File.ReadAllBytes(_image).AsSpan().SequenceEqual(content).ShouldBeTrue();
}
