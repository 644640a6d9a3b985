using Dr.Edge.Replication.Changes;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Transfers;

namespace Dr.Edge.Tests.Volumes.PowerCut;

/// <summary>What a store may hold after the power was cut behind <paramref name="cut"/> events; says in words what is wrong.</summary>
/// <param name="mayChange">Nobody looks at the store after this: it may be tried whether what was begun goes on.</param>
internal sealed class Oracle(IReadOnlyList<VolumeHistory> histories, int cut, bool mayChange)
{
    private readonly List<string> _problems = [];
    private IDisposable? _mapHold;

    /// <summary>Set to what a first start after the cut found: a second one must not find less.</summary>
    public Dictionary<string, ulong> AtLeast { get; } = [];

    /// <summary>Content by volume, as found.</summary>
    public Dictionary<string, ulong> Found { get; } = [];

    public IReadOnlyList<string> Check(VolumeSet set, Random random)
    {
        foreach (var damaged in set.Damaged)
        {
            Problem($"{damaged.Name} is called damaged: {damaged.Reason}");
        }

        // As at a start: what is needed is held before anything leaves.
        foreach (var history in histories.Where(history => history.Maps.Count > 0))
        {
            HoldForMap(set.Find(history.Name), history);
        }

        set.StartMaintenance();

        if (random.Next(2) == 0)
        {
            set.Maintenance.DrainAsync().Wait();
        }

        foreach (var history in histories)
        {
            if (_problems.Count > 5)
            {
                break;
            }

            CheckVolume(set, history, random);
        }

        foreach (var history in histories.Where(history => history.Maps.Count > 0))
        {
            CheckMap(set.Find(history.Name), history);
        }

        _mapHold?.Dispose();
        foreach (var volume in set.Volumes.Where(volume => !histories.Any(history => history.Name == volume.Name)))
        {
            Problem($"there is a volume {volume.Name} that nobody made");
        }

        return _problems;
    }

    private void CheckVolume(VolumeSet set, VolumeHistory history, Random random)
    {
        var sameName = histories.Where(other => other.Name == history.Name).ToList();
        var current = sameName.FindLast(other => other.Made.Begun < cut);
        if (current != history && !(current is null && sameName[0] == history))
        {
            return; // Another volume has this name at the time of the cut, or had it.
        }

        var volume = set.Find(history.Name);
        var mustBe = history.Made.IsSure(cut) && !(history.Deleted?.IsPossible(cut) ?? false);
        var mayBe = history.Made.IsPossible(cut) && !(history.Deleted?.IsSure(cut) ?? false);
        if (volume is null)
        {
            if (mustBe)
            {
                Problem($"{history.Name} is gone");
            }

            return;
        }

        if (!mayBe)
        {
            Problem($"{history.Name} is there and was {(history.Deleted is null ? "never made" : "deleted")}");
            return;
        }

        if (volume.Fault is { } fault)
        {
            Problem($"{history.Name} has stopped without a reason: {fault}");
            return;
        }

        if (history.Filled is { } filled && !filled.IsSure(cut))
        {
            return;
        }

        var isImporting = history.Imports.FindLast(import => import.Begun < cut) is { } import && !import.IsSure(cut);
        if (!isImporting)
        {
            CheckContent(volume, history);
        }

        CheckPoints(volume, history);
        CheckSize(volume, history);
        CheckRoles(volume, history);
        CheckStaged(volume, history);
        CheckHolds(volume, history);
        set.Maintenance.DrainAsync().Wait(); // An index that was torn is made again by it.
        CheckTime(volume, history, random);
        foreach (var bad in new Verifier(volume, (_, _) => { }, CancellationToken.None).Run(null, null).Bad)
        {
            Problem($"verify of {history.Name}: {bad.Where} {bad.Offset}+{bad.Length} {bad.Problem}");
        }

        if (mayChange && history.Image is { } image)
        {
            ImportAgain(volume, image.Path, image.Content);
        }
    }

    private void HoldForMap(Volume? volume, VolumeHistory history)
    {
        if (volume is { Fault: null } && new ChangeMapKeeper(volume, Workload.AwayPeer) is { UpTo: { } upTo })
        {
            try
            {
                _mapHold = volume.HoldPosition(upTo, "the map goes on from here");
            }
            catch (Contracts.Errors.DrException exception)
            {
                Problem($"{history.Name} no longer has what comes after its change map: {exception.Message}");
            }
        }
    }

    /// <summary>One of the maps that it may be, and every block in it that the volume holds otherwise than it did where the map begins.</summary>
    private void CheckMap(Volume? volume, VolumeHistory history)
    {
        if (volume is null || volume.Fault is not null)
        {
            return; // Reported elsewhere.
        }

        var keeper = new ChangeMapKeeper(volume, Workload.AwayPeer);
        var last = history.Maps.FindLastIndex(map => map.Span.IsSure(cut));
        if (keeper.After is not { } after)
        {
            if (last >= 0)
            {
                Problem($"{history.Name} has lost its change map after {history.Maps[last].After}");
            }

            return;
        }

        if (history.Maps.Skip(Math.Max(last, 0)).FirstOrDefault(map => map.Span.IsPossible(cut) && map.After == after) is not { } map)
        {
            Problem($"{history.Name} has a change map after {after}");
        }
        else if (keeper.TryList(volume.Appended) is not { } ranges)
        {
            Problem($"{history.Name} has a change map after {after} up to {keeper.UpTo} that cannot be used");
        }
        else
        {
            RequireListed(volume, history, map, ranges);
        }
    }

    private void RequireListed(Volume volume, VolumeHistory history, MapHistory map, IReadOnlyList<BlockRange> ranges)
    {
        var now = StoreFixture.ReadAll(volume);
        for (var offset = 0; offset < now.Length; offset += StoreLimits.BlockBytes)
        {
            var block = offset / StoreLimits.BlockBytes;
            var then = map.Content.AsSpan(Math.Min(offset, map.Content.Length)..Math.Min(offset + StoreLimits.BlockBytes, map.Content.Length));
            var isSame = then.IsEmpty ? !now.AsSpan(offset, StoreLimits.BlockBytes).ContainsAnyExcept((byte)0) : now.AsSpan(offset, StoreLimits.BlockBytes).SequenceEqual(then);
            if (!isSame && !ranges.Any(range => range.First <= block && block < range.First + range.Count))
            {
                Problem($"{history.Name}: block {block} has changed since {map.After} and is not in the change map");
                return;
            }
        }
    }

    /// <summary>However far an import had come, and whatever it believes of that: what it leaves is the image.</summary>
    private void ImportAgain(Volume volume, string path, byte[] content)
    {
        var result = ImageImport.Run(volume, path, (_, _) => { }, CancellationToken.None);
        if (!StoreFixture.ReadAll(volume).AsSpan().SequenceEqual(content))
        {
            Problem($"{volume.Name} is not the image after an import that went on at byte {result.ResumedAtBytes}");
        }
    }

    private void CheckHolds(Volume volume, VolumeHistory history)
    {
        foreach (var point in volume.Points)
        {
            var changes = history.Holds.Where(hold => hold.Point == point.Id).ToList();
            var last = changes.FindLastIndex(hold => hold.Span.IsSure(cut));
            var isHeld = volume.State.PointHolds.Any(hold => hold.Point == point.Id);
            if ((last >= 0 && changes[last].IsHeld) != isHeld && !changes.Skip(last + 1).Any(hold => hold.Span.IsPossible(cut) && hold.IsHeld == isHeld))
            {
                Problem($"{history.Name}: point {point.Id} is {(isHeld ? "held" : "not held")}");
            }
        }
    }

    private void CheckContent(Volume volume, VolumeHistory history)
    {
        var actual = VolumeHistory.HashOf(StoreFixture.ReadAll(volume));
        Found[history.Name] = actual;
        var sure = history.SureVersion(cut);
        if (AtLeast.TryGetValue(history.Name, out var seen))
        {
            sure = Math.Max(sure, history.Versions.FindIndex(sure, version => version.Hash == seen));
        }

        for (var version = sure; version < history.Versions.Count && (version == 0 || history.Versions[version].Begun < cut); version++)
        {
            if (history.Versions[version].Hash == actual)
            {
                return;
            }
        }

        var known = history.Versions.FindIndex(version => version.Hash == actual);
        Problem(known < 0
            ? $"{history.Name} holds what it never held (write {volume.Appended}); version {sure} was sure"
            : $"{history.Name} holds version {known} (of {history.Versions.Count(version => version.Begun < cut)} begun); version {sure} was sure");
    }

    private void CheckPoints(Volume volume, VolumeHistory history)
    {
        foreach (var info in volume.Points)
        {
            if (history.Points.FindLast(point => point.Info.Id == info.Id && point.Made.IsPossible(cut)) is not { } point)
            {
                Problem($"{history.Name} has a point {info.Id} ({info.Label}) that was never taken");
            }
            else if (point.Deleted?.IsSure(cut) ?? false)
            {
                Problem($"{history.Name} has its deleted point {info.Id} ({info.Label}) again");
            }
            else if (point.Info != info)
            {
                Problem($"{history.Name}: point {info} was {point.Info}");
            }
            else
            {
                CheckPoint(volume, history, point);
            }
        }

        foreach (var point in history.Points.Where(point => point.Made.IsSure(cut) && !(point.Deleted?.IsPossible(cut) ?? false) && !volume.Points.Any(info => info.Id == point.Info.Id)))
        {
            Problem($"{history.Name} has lost point {point.Info.Id} ({point.Info.Label})");
        }
    }

    private void CheckPoint(Volume volume, VolumeHistory history, PointHistory point)
    {
        try
        {
            using var view = volume.OpenView(point.Info.Id);
            var content = StoreFixture.ReadAll(view);
            if (VolumeHistory.HashOf(content) == point.Hash)
            {
                return;
            }

            Problem($"{history.Name}: point {point.Info.Id} ({point.Info.Label}) reads differently");
        }
        catch (Exception exception) when (exception is Contracts.Errors.DrException or BlockDeviceException)
        {
            Problem($"{history.Name}: point {point.Info.Id} ({point.Info.Label}) cannot be read: {exception.Message}");
        }
    }

    private void CheckSize(Volume volume, VolumeHistory history)
    {
        var last = history.Sizes.FindLastIndex(change => change.Span.IsSure(cut));
        if (!history.Sizes.Skip(Math.Max(last, 0)).Any(change => change.Span.IsPossible(cut) && change.Size == volume.SizeBytes))
        {
            Problem($"{history.Name} has {volume.SizeBytes} bytes");
        }
    }

    private void CheckRoles(Volume volume, VolumeHistory history)
    {
        var last = history.Roles.FindLastIndex(change => change.Span.IsSure(cut));
        var possible = history.Roles.Skip(Math.Max(last, 0)).Where(change => change.Span.IsPossible(cut)).ToList();
        if (!possible.Exists(change => change.Role == volume.Role))
        {
            Problem($"{history.Name} is {volume.Role}, not {string.Join(" or ", possible.Select(change => change.Role))}");
        }

        if (last >= 0 && volume.Epoch < history.Roles[last].Epoch)
        {
            Problem($"{history.Name} has forgotten epoch {history.Roles[last].Epoch}: it is at {volume.Epoch}");
        }
    }

    private void CheckStaged(Volume volume, VolumeHistory history)
    {
        var last = history.Staged.FindLastIndex(mark => mark.Span.IsSure(cut));
        if (last < 0 || history.Staged[last].Resume is not { } resume || history.Staged.Skip(last + 1).Any(mark => mark.Resume is null && mark.Span.IsPossible(cut)))
        {
            return;
        }

        if (volume.Staged is not { } staged || staged.Target != history.Staged[last].Target)
        {
            Problem($"{history.Name} has lost the delta to {history.Staged[last].Target}");
        }
        else if (staged.ResumePosition < resume)
        {
            Problem($"{history.Name} has lost part of a delta: it goes on at {staged.ResumePosition}, {resume} was flushed");
        }
    }

    private void CheckTime(Volume volume, VolumeHistory history, Random random)
    {
        if (history.Name == "r" || history.Name == "tail" || !Found.TryGetValue(history.Name, out var content))
        {
            return; // Positions inside a delta cannot be opened.
        }

        var reached = history.Versions.FindIndex(history.SureVersion(cut), version => version.Hash == content);
        if (reached < 0 || history.Versions.FindLastIndex(version => version.Hash == content) != reached)
        {
            return; // Reported already, or the same content came twice and nothing says which of the two was reached.
        }

        var index = random.Next(reached + 1);
        var at = history.Versions[index].At;
        var last = history.Versions.FindLastIndex(reached, version => version.At <= at);
        var unsureRestore = history.Restores.Exists(version => version > history.SureVersion(cut) && version <= last); // Recovery finished it at another time.
        if (at < volume.HistoryBegins || last < 0 || unsureRestore)
        {
            return;
        }

        try
        {
            using var view = volume.OpenView(at);
            if (VolumeHistory.HashOf(StoreFixture.ReadAll(view)) != history.Versions[last].Hash)
            {
                Problem($"{history.Name} at {at:O} is not version {last}");
            }
        }
        catch (Contracts.Errors.DrException) when (IsInsideCompacted(volume.State, at))
        {
            // Only its ends can be opened, and this says so.
        }
    }

    private static bool IsInsideCompacted(ManifestState state, DateTimeOffset at)
    {
        var begins = state.BaseAt;
        foreach (var layer in state.Layers)
        {
            if (layer.Kind == LayerKind.Compacted && begins <= at && at < layer.LastAt)
            {
                return true;
            }

            begins = layer.LastAt;
        }

        return false;
    }

    private void Problem(string text) => _problems.Add(text);
}
