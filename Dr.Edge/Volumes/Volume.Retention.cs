using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Retention;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Volumes;

/// <content>What is kept: the volume's policy, which points give way, and who holds them back.</content>
internal sealed partial class Volume
{
    /// <summary>Points that give way in one round. A clock that is wrong by years then costs some points, and not all before anybody has seen it.</summary>
    internal const int MaxPointsPerRound = 16;

    /// <summary>The policy this volume lives by.</summary>
    public EffectivePolicy Policy => _context.Defaults.With(State.Policy);

    /// <summary>What this volume says itself; null = nothing, the appliance's defaults count.</summary>
    public VolumePolicy? OwnPolicy => State.Policy;

    /// <summary>Everything but moments in passing that keeps history from giving way, oldest position first.</summary>
    public IReadOnlyList<HistoryHolder> Holders
    {
        get
        {
            lock (_syncLock)
            {
                var points = State.Points;
                return
                [
                    .. _holds.Where(hold => !hold.IsBrief)
                        .Select(hold => new HistoryHolder(new SequenceNumber(hold.Sequence), points.FirstOrDefault(p => p.Sequence.Value == hold.Sequence)?.Id, hold.Reason, hold.Since, IsByHand: false))
                        .Concat(State.PointHolds.Join(points, hold => hold.Point, point => point.Id, (hold, point) =>
                            new HistoryHolder(point.Sequence, point.Id, hold.Reason is null ? "held" : $"held: {hold.Reason}", hold.Since, IsByHand: true)))
                        .OrderBy(holder => holder.Sequence),
                ];
            }
        }
    }

    /// <summary>Gives the volume a policy of its own; null takes it away. Durable on return.</summary>
    /// <exception cref="DrException">The policy cannot be followed.</exception>
    public void SetPolicy(VolumePolicy? policy)
    {
        if (policy is not null)
        {
            PolicyRules.Check(policy);
        }

        lock (_syncLock)
        {
            CommitLocked(State with { Policy = policy });
        }

        RaiseStateChanged();
        PostMaintenance();
    }

    /// <summary>The point stays until <see cref="ReleasePoint"/>, whatever the policy says. Again with another reason: the reason changes. Durable on return.</summary>
    public PointHold HoldPoint(PointId point, string? reason)
    {
        PointHold hold;
        lock (_syncLock)
        {
            ThrowIfFailed();
            GetPoint(point);
            var others = State.PointHolds.Where(h => h.Point != point).ToList();
            if (others.Count >= StoreLimits.MaxPointHolds)
            {
                throw new DrException($"{others.Count} points of {Name} are held, which is all that can be.", "Release some first: 'dr-edge point release'.");
            }

            hold = new PointHold(point, reason, State.PointHolds.FirstOrDefault(h => h.Point == point)?.Since ?? _context.Time.GetUtcNow());
            CommitLocked(State with { PointHolds = [.. others, hold] });
        }

        RaiseStateChanged();
        return hold;
    }

    /// <summary>False when nobody held it by hand.</summary>
    public bool ReleasePoint(PointId point)
    {
        lock (_syncLock)
        {
            ThrowIfFailed();
            if (!State.PointHolds.Any(hold => hold.Point == point))
            {
                return false;
            }

            CommitLocked(State with { PointHolds = [.. State.PointHolds.Where(hold => hold.Point != point)] });
        }

        RaiseStateChanged();
        PostMaintenance();
        return true;
    }

    /// <summary>Lets go what the policy no longer keeps, at most <see cref="MaxPointsPerRound"/> points; returns them, oldest first. On a demoted copy nothing goes: it must first find where it and the others agree.</summary>
    internal IReadOnlyList<PointId> ApplyRetention()
    {
        PointId[] gone;
        lock (_syncLock)
        {
            if (_closed || Fault is not null || State.Role == VolumeRole.Demoted || AgingFrozen is not null || State.Restoring is not null)
            {
                return [];
            }

            var verdict = RetentionPlan.Decide(RetentionPointsLocked(), Policy, _context.Time.GetUtcNow(), StoreLimits.MaxPoints - 1);
            gone = [.. verdict.Goes.Take(MaxPointsPerRound)];
            if (gone.Length == 0)
            {
                return gone;
            }

            CommitLocked(State with { Points = [.. State.Points.Where(point => !gone.Contains(point.Id))] });
        }

        LogGaveWay(Name, gone.Length, gone[0]);
        RaiseStateChanged();
        PostMaintenance();
        return gone;
    }

    /// <summary>Which points make room for one more; none while there is room.</summary>
    /// <param name="must">The point must be taken (a demotion's, a copy's): points that people asked for give way too, held ones last of all.</param>
    /// <exception cref="DrException">None may go.</exception>
    private HashSet<PointId> PointsThatGiveWayLocked(bool must = false)
    {
        if (State.Points.Count < StoreLimits.MaxPoints)
        {
            return [];
        }

        var points = RetentionPointsLocked();
        var verdict = RetentionPlan.Decide(points, Policy with { Keep = [], KeepManual = TimeSpan.Zero }, _context.Time.GetUtcNow(), StoreLimits.MaxPoints - 1);
        if (verdict.Fits)
        {
            return [.. verdict.Goes];
        }

        if (!must)
        {
            throw new DrException(
                $"Volume {Name} has {StoreLimits.MaxPoints} points, which is all it can hold, and none of them may give way: {State.Points.Count(p => !PointKinds.IsAutomatic(p))} were asked for, {points.Count(p => p.IsProtected)} are held.",
                $"Delete some ('dr-edge point delete {Name} …'), or let old ones go by themselves: 'dr-edge volume set {Name} --keep-manual 90d'.");
        }

        var unnamed = points.Where((p, i) => !p.IsProtected && State.Points[i].Label is null);
        var unheld = points.Where(p => !State.PointHolds.Any(hold => hold.Point == p.Id));
        return [unnamed.Concat(points.Where(p => !p.IsProtected)).Concat(unheld).Concat(points).First().Id];
    }

    private List<RetentionPoint> RetentionPointsLocked()
    {
        var state = State;
        var held = state.PointHolds.Select(hold => hold.Point).ToHashSet();
        foreach (var hold in _holds.Where(hold => !hold.IsBrief))
        {
            // Whoever follows the journal from here falls back on the newest point it and this copy share, should the journal be lost.
            held.UnionWith(state.Points.Where(point => point.Sequence.Value == hold.Sequence).Select(point => point.Id));
            if (hold.Kind == HoldKind.Journal && state.Points.LastOrDefault(point => point.Sequence.Value <= hold.Sequence) is { } common)
            {
                held.Add(common.Id);
            }
        }

        if (state.Staging?.BasePoint is { } basePoint)
        {
            held.Add(basePoint);
        }

        return [.. state.Points.Select(point => new RetentionPoint(point.Id, point.At, PointKinds.IsAutomatic(point), held.Contains(point.Id)))];
    }

    /// <exception cref="DrException">Somebody holds the point.</exception>
    private void RequireFreeLocked(PointInfo point)
    {
        if (State.PointHolds.FirstOrDefault(hold => hold.Point == point.Id) is { } held)
        {
            throw new DrException(
                $"Point {point.Id} of {Name} is held since {held.Since:yyyy-MM-dd HH:mm}Z{(held.Reason is null ? "" : $": {held.Reason}")}.", $"'dr-edge point release {Name} {point.Id}' lets it go.");
        }

        if (_holds.FirstOrDefault(hold => hold.Sequence == point.Sequence.Value && !hold.IsBrief) is { } user)
        {
            throw new DrException($"Point {point.Id} of {Name} is in use since {user.Since:yyyy-MM-dd HH:mm}Z: {user.Reason}.", "Close what uses it (an export, a clone, a copy under way) and try again.");
        }
    }
}

/// <summary>Who keeps history from giving way.</summary>
/// <param name="Sequence">The position that is kept.</param>
/// <param name="Point">The point there, when there is one.</param>
/// <param name="IsByHand">Held with <c>dr-edge point hold</c>: it lasts over restarts, until it is released.</param>
internal sealed record HistoryHolder(SequenceNumber Sequence, PointId? Point, string Reason, DateTimeOffset Since, bool IsByHand);
