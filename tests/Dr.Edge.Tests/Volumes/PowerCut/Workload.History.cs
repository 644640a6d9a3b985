using Dr.Contracts.Ids;
using Dr.Contracts.Mqtt;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Groups;
using Dr.Edge.Volumes.Transfers;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <content>What is done with the past, and what brings content from elsewhere.</content>
internal sealed partial class Workload
{
    /// <summary>All that a life can have in it besides writes, flushes and points.</summary>
    public static readonly IReadOnlyList<string> Kinds =
        ["delta", "divergence", "compaction", "group", "restore", "undo", "restore cancelled", "clone", "clone deleted", "middle point", "hold", "release", "import", "import resumed", "resize", "change map begun", "change map advanced", "change map without its history"];

    /// <summary>Brings something of a kind about, with what it needs; where it cannot be done now it comes again. Change maps are kept after every step.</summary>
    private void DoRare(string kind, VolumeHistory live, VolumeHistory some)
    {
        switch (kind)
        {
            case "delta": TakePoint(live); Delta(live); break;
            case "divergence": Diverge(); break;
            case "compaction": Compacted(live); break;
            case "group": TakeGroup(live, Volumes[2]); break;
            case "restore": Restore(live); break;
            case "undo": Undo(live); break;
            case "restore cancelled": CancelRestore(live); break;
            case "clone": Clone(live); break;
            case "clone deleted": DeleteClone(); break;
            case "middle point": DeleteMiddlePoint(some); break;
            case "hold" or "release": HoldOrRelease(some, isHeld: kind == "release"); break;
            case "import" or "import resumed": Import(Volumes[3]); break;
            case "resize" when Done.ContainsKey("delta"): Resize(live); break; // From then on the copy's size is another.
        }
    }

    /// <summary>Two layers that overwrite each other, and the point between them deleted: one is made of both.</summary>
    private void Compacted(VolumeHistory history)
    {
        for (var count = 0; count < 3; count++)
        {
            Write(history, flush: true);
            TakePoint(history);
        }

        if (PointsOf(history) is { Count: > 2 } points)
        {
            Delete(history, points[^2]);
        }
    }

    public string ImagePath { get; }

    /// <summary>What the image that is imported holds, and zeros up to the volume's size.</summary>
    public byte[] Image { get; }

    private void Clone(VolumeHistory parent)
    {
        var points = parent.Points.Where(point => point.Deleted is null).ToList();
        if (points.Count == 0 || Volumes.Count(v => v.Deleted is null) > 6)
        {
            return;
        }

        var point = points[_random.Next(points.Count)];
        using var view = _set.Get(parent.Name).OpenView(point.Info.Id);
        var content = StoreFixture.ReadAll(view);
        Make($"c{_number}", () => _set.CreateClone(_set.Get(parent.Name), point.Info.Id, $"c{_number}"), content);
        Count("clone");
    }

    private void DeleteClone()
    {
        if (Volumes.Find(v => v.Deleted is null && v.Name.StartsWith('c')) is { } clone)
        {
            Delete(clone);
            Count("clone deleted");
        }
    }

    private void Delete(VolumeHistory history)
    {
        Note($"delete {history.Name}");
        history.Deleted = new Span(Now);
        _set.Delete(history.Name);
        history.Deleted.Answered = Now;
    }

    private void Restore(VolumeHistory history)
    {
        if (PointsOf(history) is { Count: > 0 and < MaxPoints } points)
        {
            Restore(history, points[_random.Next(points.Count)]);
            Count("restore");
        }
    }

    private void Undo(VolumeHistory history)
    {
        if (_set.Get(history.Name).UndoPoint is { } undo && PointsOf(history) is { Count: < MaxPoints } points)
        {
            Restore(history, points.Find(point => point.Info.Id == undo.Id)!);
            Count("undo");
        }
    }

    /// <summary>Content goes to the point and back again: a cut in between leaves one or the other.</summary>
    private void CancelRestore(VolumeHistory history)
    {
        if (PointsOf(history) is not { Count: > 0 and < MaxPoints } points)
        {
            return;
        }

        var target = points[_random.Next(points.Count)];
        Note($"restore {history.Name} to {target.Info.Id}, cancelled");
        var before = history.Content;
        var made = new Span(Now);
        history.Change(Now, ContentAt(history, target.Info.Id), Time.GetUtcNow());
        history.Change(Now, before, Time.GetUtcNow());
        history.Restores.AddRange([history.Versions.Count - 2, history.Versions.Count - 1]);
        using var cancel = new CancellationTokenSource();
        Recorder.Phase = "restore";
        try
        {
            _set.Get(history.Name).Restore(target.Info.Id, default, (_, _) => cancel.Cancel(), cancel.Token);
        }
        catch (OperationCanceledException)
        {
            Count("restore cancelled");
        }

        Recorder.Phase = "";
        history.Flushes.Add((Now, history.Versions.Count - 1));
        AddPoint(history, _set.Get(history.Name).UndoPoint!, made);
    }

    private byte[] ContentAt(VolumeHistory history, PointId point)
    {
        using var view = _set.Get(history.Name).OpenView(point);
        var content = StoreFixture.ReadAll(view);
        Array.Resize(ref content, history.Content.Length);
        return content;
    }

    private void Restore(VolumeHistory history, PointHistory target)
    {
        Note($"restore {history.Name} to {target.Info.Id}");
        var after = ContentAt(history, target.Info.Id);
        var made = new Span(Now);
        history.Change(Now, after, Time.GetUtcNow());
        history.Restores.Add(history.Versions.Count - 1);
        PointInfo before = null!;
        Recorder.Phase = "restore";
        Sure(history, volume => before = volume.Restore(target.Info.Id, default, null, CancellationToken.None));
        Recorder.Phase = "";
        AddPoint(history, before, made);
    }

    private void Resize(VolumeHistory history)
    {
        if (history.Content.Length >= StartBlocks * BlockBytes * 2)
        {
            return;
        }

        var after = history.Content;
        Array.Resize(ref after, history.Content.Length + ((1 + _random.Next(4)) * BlockBytes));
        Note($"resize {history.Name} to {after.Length}");
        var span = new Span(Now);
        history.Sizes.Add((span, after.Length));
        Recorder.Phase = "resize";
        _set.Get(history.Name).Resize(after.Length);
        Recorder.Phase = "";
        span.Answered = Now;
        history.Content = after;
        Count("resize");
    }

    private void DeleteMiddlePoint(VolumeHistory history)
    {
        if (PointsOf(history) is { Count: > 2 } points)
        {
            Delete(history, points[1 + _random.Next(points.Count - 2)]);
            Count("middle point");
        }
    }

    private void CountCompacted()
    {
        if (_set.Volumes.Any(volume => volume.State.Layers.Any(layer => layer.Kind == LayerKind.Compacted)))
        {
            Count("compaction");
        }
    }

    private void TakeGroup(params VolumeHistory[] members)
    {
        foreach (var full in members.Where(member => PointsOf(member).Count >= MaxPoints))
        {
            DeletePoint(full);
        }

        Note($"group of {string.Join(", ", members.Select(member => member.Name))}");
        var made = Array.ConvertAll(members, _ => new Span(Now));
        var versions = Array.ConvertAll(members, member => member.Versions.Count - 1);
        _interrupted = members[0];
        Recorder.Phase = "group";
        var points = Volume.CreateGroup([.. members.Select(member => new GroupMember(_set.Get(member.Name), null))], $"g{_number}");
        Recorder.Phase = "";
        _interrupted = null;
        for (var i = 0; i < members.Length; i++)
        {
            members[i].Flushes.Add((Now, versions[i]));
            AddPoint(members[i], points[i], made[i]);
        }

        Count("group");
    }

    /// <param name="isHeld">Only a point that is held, or is not; null = any.</param>
    private void HoldOrRelease(VolumeHistory history, bool? isHeld = null)
    {
        var volume = _set.Get(history.Name);
        bool IsHeld(PointId point) => volume.State.PointHolds.Any(hold => hold.Point == point);
        if (PointsOf(history).Where(point => isHeld is null || IsHeld(point.Info.Id) == isHeld).ToList() is not { Count: > 0 } points)
        {
            return;
        }

        var point = points[_random.Next(points.Count)].Info.Id;
        isHeld = IsHeld(point);
        Note($"{(isHeld.Value ? "release" : "hold")} {point} of {history.Name}");
        var span = new Span(Now);
        history.Holds.Add((span, point, !isHeld.Value));
        Recorder.Phase = "hold";
        if (isHeld.Value)
        {
            volume.ReleasePoint(point);
        }
        else
        {
            volume.HoldPoint(point, "test");
        }

        Recorder.Phase = "";
        span.Answered = Now;
        Count(isHeld.Value ? "release" : "hold");
    }

    /// <summary>Often ended before it is done, and sometimes somebody else writes before it goes on.</summary>
    private void Import(VolumeHistory history)
    {
        Note($"import into {history.Name}");
        var span = new Span(Now);
        history.Imports.Add(span);
        var volume = _set.Get(history.Name);
        if (_random.Next(3) == 0)
        {
            var data = new byte[BlockBytes];
            _random.NextBytes(data);
            volume.Write([new WriteExtent(_random.Next(StartBlocks) * BlockBytes, BlockBytes, ExtentKind.Data, data)], forceUnitAccess: _random.Next(2) == 0);
        }

        var left = 1 + _random.Next(12);
        using var cancel = new CancellationTokenSource();
        try
        {
            Recorder.Phase = "import";
            var result = ImageImport.Run(volume, ImagePath, (_, _) => Stop(), cancel.Token, stepBytes: 1);
            history.Change(span.Begun, Image, Time.GetUtcNow());
            history.Flushes.Add((Now, history.Versions.Count - 1));
            span.Answered = Now;
            Count("import");
            if (result.ResumedAtBytes > 0)
            {
                Count("import resumed");
            }
        }
        catch (OperationCanceledException)
        {
            // The next one goes on.
        }
        finally
        {
            Recorder.Phase = "";
        }

        void Stop()
        {
            if (--left == 0)
            {
                cancel.Cancel();
            }
        }
    }

    /// <summary>Data and holes by turns, so that it is read in several pieces.</summary>
    private (string Path, byte[] Content) MakeImage(string path)
    {
        var content = new byte[StartBlocks * BlockBytes];
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        for (var block = 0; block < StartBlocks - 1; block += 2 + _random.Next(3))
        {
            var data = content.AsSpan(block * BlockBytes, BlockBytes);
            _random.NextBytes(data);
            RandomAccess.Write(file, data, block * BlockBytes);
        }

        return (path, content);
    }
}
