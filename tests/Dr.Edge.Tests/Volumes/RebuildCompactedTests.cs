using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Edge.Cli;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Volumes;

/// <summary>What a rebuild makes of compacted layers that the records left do not name.</summary>
public sealed class RebuildCompactedTests : IDisposable
{
    private const int SizeBytes = 64 * 4096;
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly StoreFixture _store;
    private readonly List<(PointInfo Info, byte[] Content)> _points = [];
    private readonly string _directory;
    private IDisposable? _hold;

    public RebuildCompactedTests()
    {
        _store = new StoreFixture(_time, fineWindow: TimeSpan.FromHours(1));
        var volume = _store.Set.Create("v", SizeBytes);
        _directory = volume.DirectoryPath;
        for (var i = 0; i < 5; i++)
        {
            StoreFixture.Write(volume, i * 9000, StoreFixture.Pattern(60_000, i));
            StoreFixture.Zero(volume, i * 4096, 5000);
            _time.Advance(TimeSpan.FromMinutes(1));
            _points.Add((volume.CreatePoint($"p{i}", PointConsistency.Crash, null), StoreFixture.ReadAll(volume)));
        }

        StoreFixture.Write(volume, 100_000, StoreFixture.Pattern(30_000, 9), fua: true);
        _store.Set.Maintenance.DrainAsync().Wait();
    }

    private string Manifest => Path.Combine(_directory, "manifest");

    public void Dispose()
    {
        _hold?.Dispose();
        _store.Dispose();
    }

    /// <summary>The layers of the record that is left are gone; taking them for moved into the base would show an old volume without a word.</summary>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 2)]
    [InlineData(1, 3)]
    public void Layers_that_became_a_compacted_one_after_the_newest_record_are_found_in_it(int firstGone, int lastGone)
    {
        var old = CompactAway(firstGone, lastGone, manifestBefore: true);
        _store.Reopen(() => File.WriteAllBytes(Manifest, old));
        ShouldBeRebuilt("was made of it", firstGone, lastGone);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(1, 3)]
    public void Without_any_record_a_compacted_layer_says_itself_where_it_belongs(int firstGone, int lastGone)
    {
        CompactAway(firstGone, lastGone, manifestBefore: false);
        _store.Reopen(() =>
        {
            File.Delete(Manifest);
            foreach (var path in Directory.GetFiles(Path.Combine(_directory, "layers")))
            {
                var content = File.ReadAllBytes(path);
                for (var at = content.AsSpan().IndexOf("DRR1"u8); at >= 0; at = content.AsSpan().IndexOf("DRR1"u8))
                {
                    content[at] = 0;
                }

                File.WriteAllBytes(path, content);
            }
        });
        ShouldBeRebuilt("layer(s) with writes up to", firstGone, lastGone, "v");
    }

    [Fact]
    public void A_compacted_layer_beside_all_it_was_made_of_is_kept_aside()
    {
        var before = Path.Combine(_store.Directory, "layers-before");
        CopyLayers(Path.Combine(_directory, "layers"), before);
        var old = CompactAway(1, 2, manifestBefore: true);
        _store.Reopen(() =>
        {
            File.WriteAllBytes(Manifest, old);
            CopyLayers(before, Path.Combine(_directory, "layers"));
            Directory.Delete(before, recursive: true);
        });
        var result = ShouldBeRebuilt("not needed: left out", 5, 5);
        result.Unused.ShouldHaveSingleItem();
        Directory.GetFiles(result.KeptAside!, "*.log").ShouldHaveSingleItem();
    }

    [Fact]
    public void A_damaged_compacted_layer_is_not_taken_for_one_that_went_into_the_base()
    {
        var old = CompactAway(0, 2, manifestBefore: true);
        var compacted = _store.Set.Get("v").State.Layers.Single(layer => layer.Kind == LayerKind.Compacted);
        _store.Reopen(() =>
        {
            File.WriteAllBytes(Manifest, old);
            using var file = File.OpenHandle(Layer.PathOf(_directory, compacted.Number), FileMode.Open, FileAccess.Write);
            RandomAccess.Write(file, new byte[8], compacted.LengthBytes);
        });
        Should.Throw<DrException>(() => Rebuild()).Message.ShouldContain("nobody can tell");
    }

    /// <summary>Has the layers between two points made one; returns the manifest as it was before that.</summary>
    private byte[] CompactAway(int firstGone, int lastGone, bool manifestBefore)
    {
        var volume = _store.Set.Get("v");
        var old = File.ReadAllBytes(Manifest);
        for (var i = firstGone; i <= lastGone; i++)
        {
            volume.DeletePoint(_points[i].Info.Id);
        }

        // The way into the base is not what is looked at here: held until the store is closed.
        _hold = volume.HoldPosition(default, "test");
        _time.Advance(TimeSpan.FromHours(2));
        _store.Set.Maintenance.DrainAsync().Wait();
        volume.Compact();
        volume.State.Layers.Count(layer => layer.Kind == LayerKind.Compacted).ShouldBe(1);
        if (manifestBefore)
        {
            // Nothing newer than the record may say more than it does.
            volume.State.BaseSequence.ShouldBe(0);
        }

        return old;
    }

    private static void CopyLayers(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var path in Directory.GetFiles(from))
        {
            var target = Path.Combine(to, Path.GetFileName(path));
            if (!File.Exists(target))
            {
                File.Copy(path, target);
            }
        }
    }

    private RebuildResult Rebuild(string? name = null) =>
        _store.Set.Rebuild(_store.Set.Damaged.ShouldHaveSingleItem().Name, name, isNoClone: false, apply: true, (_, _) => { }, CancellationToken.None);

    private RebuildResult ShouldBeRebuilt(string finding, int firstGone, int lastGone, string? name = null)
    {
        var result = Rebuild(name);
        result.Findings.ShouldContain(found => found.Contains(finding));
        result.Bad.ShouldBeEmpty();
        var volume = _store.Set.Get("v");
        var live = _points[^1].Content.AsSpan().ToArray();
        StoreFixture.Pattern(30_000, 9).CopyTo(live, 100_000);
        StoreFixture.ReadAll(volume).ShouldBe(live);
        for (var i = 0; i < _points.Count; i++)
        {
            var found = volume.Points.FirstOrDefault(point => point.Sequence == _points[i].Info.Sequence);
            if (found is null && i >= firstGone && i <= lastGone)
            {
                continue;
            }

            found.ShouldNotBeNull($"point {i}");
            using var view = volume.OpenView(found.Id);
            StoreFixture.ReadAll(view).ShouldBe(_points[i].Content, $"point {i}");
        }

        _store.Reopen();
        StoreFixture.ReadAll(_store.Set.Get("v")).ShouldBe(live);
        return result;
    }
}
