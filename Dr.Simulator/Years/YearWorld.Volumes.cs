using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;

namespace Dr.Simulator.Years;

/// <content>Leases, writes and copies between two looks, under conditions that do not change in between.</content>
internal sealed partial class YearWorld
{
    private static readonly TimeSpan RenewEvery = TimeSpan.FromSeconds(2);

    /// <summary>A mirror that is away for this long is recorded as out of date.</summary>
    private static readonly TimeSpan MirrorPatience = TimeSpan.FromSeconds(3);

    private static readonly TimeSpan StreamLag = TimeSpan.FromMilliseconds(400);

    /// <summary>Clocks run apart by a little less than is allowed for.</summary>
    private static double DriftOf(int site) => site == 0 ? LeaseClock.DriftRho * 0.9 : -LeaseClock.DriftRho * 0.9;

    private void Advance(YearMember member, DateTimeOffset to)
    {
        if (to <= member.Clock || !member.System.HasVolume)
        {
            member.Clock = to > member.Clock ? to : member.Clock;
            return;
        }

        var from = member.Clock;

        // A copy that has just caught up divides the time into before and after.
        if (member.CopyDue is { } due && due > from && due < to)
        {
            Advance(member, due);
            from = due;
        }

        foreach (var node in member.Nodes)
        {
            if (node.Volume.IsPrimary && member.System.Settings.Lease && Renew(member, node, from, to) is { } cut)
            {
                // It served, stopped for want of a lease, and got one again: the time is worked out in two pieces.
                Advance(member, cut);
                Advance(member, to);
                return;
            }
        }

        member.Clock = to;
        FollowConditions(member, from);
        var first = Span(member, member.Nodes[0], from, to);
        var second = Span(member, member.Nodes[1], from, to);
        if (first is not null && second is not null)
        {
            Break(member, "at most one site accepts writes", $"both accept them, epoch {member.Nodes[0].Volume.Own} at {member.Nodes[0].Volume.Site} and epoch {member.Nodes[1].Volume.Own} at {member.Nodes[1].Volume.Site}");
        }

        Write(member, member.Nodes[0], first);
        Write(member, member.Nodes[1], second);
        Copy(member, to);
        LookAtMirror(member, member.Nodes[0], to);
        LookAtMirror(member, member.Nodes[1], to);
    }

    /// <summary>Renewals that were due in (from, to]. Answers a moment at which the time has to be divided first; null = done.</summary>
    private DateTimeOffset? Renew(YearMember member, YearNode node, DateTimeOffset from, DateTimeOffset to)
    {
        var volume = node.Volume;
        var next = Slot(from, RenewEvery) + RenewEvery;
        if (next > to || !ReachesAppliance(node.Site))
        {
            return null;
        }

        var last = Slot(to, RenewEvery);
        var bad = _badMessages > 0 && last - next < TimeSpan.FromMinutes(1);
        if (bad && to > next)
        {
            return next;
        }

        var lapsed = volume.LeaseUntil < next;
        if (lapsed && from < next - TimeSpan.FromTicks(1))
        {
            // What it could still write under the old lease belongs to the time before.
            return next - TimeSpan.FromTicks(1);
        }

        // While the lease never lapsed only the last renewal matters.
        var sent = lapsed ? next : last;
        if ((!bad || !_chance.Hits(0.2)) && Granted(member, node, sent))
        {
            var answered = sent + TimeSpan.FromMilliseconds(bad && _chance.Hits(0.2) ? 2_500 : 20);
            var until = _core.Edge.GateShuts ? sent + ((_core.HolderStopsAt(sent, answered, member.System.Settings.LeaseTtl) - sent) * (1 + DriftOf(node.Site))) : YearVolume.Forever;
            volume.GateFrom = lapsed ? sent : volume.GateFrom;
            volume.LeaseUntil = until > volume.LeaseUntil ? until : volume.LeaseUntil;
            return lapsed && to > sent ? sent : null;
        }

        return null;
    }

    /// <summary>What the control plane answers to a request that was sent at <paramref name="sent"/>.</summary>
    private bool Granted(YearMember member, YearNode node, DateTimeOffset sent)
    {
        var (volume, id) = (node.Volume, YearSystem.SiteOf(node.Site));
        var ledger = _ledgerAway > 0 ? null : member.Ledger;
        if (member.State.Owner == new Ownership(volume.Own, id))
        {
            member.Watch.HearLease(new LeaseRequest { System = member.System.Settings.Id, Epoch = volume.Own, Extendable = false }, sent);
        }

        if (member.Zombie is { } zombie && _core.MayGrant(zombie.State, id, volume.Own) && _core.LedgerGrants(zombie.State, ledger, zombie.Granter, volume.Own))
        {
            return true;
        }

        var mine = _core.MayGrant(member.State, id, volume.Own);
        if (mine)
        {
            member.Watch.LastGrant = sent + TimeSpan.FromMilliseconds(20);
        }

        var granted = mine && !member.Fencing && _core.LedgerGrants(member.State, ledger, member.Granter, volume.Own);
        if (!granted && ledger is not null && ledger.Owner.Epoch > volume.Own)
        {
            // The answer carries the ledger's number.
            volume.See(ledger.Owner.Epoch);
        }

        return granted;
    }

    /// <summary>The time in which its clients' writes are answered.</summary>
    private (DateTimeOffset From, DateTimeOffset To)? Span(YearMember member, YearNode node, DateTimeOffset from, DateTimeOffset to)
    {
        var volume = node.Volume;
        if (!volume.IsPrimary || !Works(member, node))
        {
            return null;
        }

        if (member.System.Sync && volume.Mirror == MirrorState.Whole && !Follows(member, node, from))
        {
            return null;
        }

        if (member.System.Sync && volume.Mirror == MirrorState.OutOfDate && !volume.MirrorNoted && _core.Edge.WaitsForTheWord)
        {
            return null;
        }

        var begin = volume.GateFrom > from ? volume.GateFrom : from;
        var until = volume.LeaseUntil < to ? volume.LeaseUntil : to;
        return until > begin ? (begin, until) : null;
    }

    private bool Follows(YearMember member, YearNode owner, DateTimeOffset at) =>
        member.Copying == (owner.Site, owner.Volume.Own) && Linked && member.CopyDue is { } due && due <= at;

    private static void Write(YearMember member, YearNode node, (DateTimeOffset From, DateTimeOffset To)? span)
    {
        if (span is { } written)
        {
            node.Volume.Write(written.To);
            member.Answered[node.Volume.Own] = written.To;
        }
    }

    private void FollowConditions(YearMember member, DateTimeOffset from)
    {
        var possible = member.Copying is { } c && Linked && member.Nodes[c.Site].Volume is { } source && source.Own == c.Epoch && _sites[1 - c.Site].DiskFull == 0
            && member.Nodes[1 - c.Site].Volume is var target && !(target.IsPrimary && target.Own > c.Epoch);
        if (!possible)
        {
            member.CopyLostAt = member.CopyDue is not null || member.CopyLostAt is null ? from : member.CopyLostAt;
            member.CopyDue = null;
        }
        else if (member.CopyDue is null)
        {
            var away = from - (member.CopyLostAt ?? from);
            var first = member.Nodes[1 - member.Copying!.Value.Site].Volume.Sequence == 0;
            member.CopyDue = from + TimeSpan.FromSeconds(first ? 600 + (3_000 * _chance.Next()) : 2 + Math.Min(900, away.TotalSeconds * 0.05) + (8 * _chance.Next()));
        }
    }

    private static void Copy(YearMember member, DateTimeOffset to)
    {
        if (member.Copying is not { } c || member.CopyDue is not { } due || due > to)
        {
            return;
        }

        var (source, target) = (member.Nodes[c.Site].Volume, member.Nodes[1 - c.Site].Volume);
        if (source.Own != c.Epoch || (target.IsPrimary && target.Own >= c.Epoch) || target.Seen > source.Seen)
        {
            return;
        }

        target.See(c.Epoch);
        target.Role = VolumeRole.Replica;
        var moment = member.System.Sync || !source.IsPrimary ? to : to - StreamLag;
        target.Follow(source, moment);
        target.AsOf = source.IsPrimary ? moment : target.AsOf;
        if (member.System.Sync && source.IsPrimary && source.Mirror != MirrorState.Whole)
        {
            (source.Mirror, source.MirrorRecord, source.MirrorNoted) = (MirrorState.Whole, source.MirrorRecord + 1, false);
        }
    }

    /// <summary>A mirror that has been away for too long is recorded as out of date by its primary, and that word has to be stored by the control plane before writes go on.</summary>
    private void LookAtMirror(YearMember member, YearNode node, DateTimeOffset at)
    {
        var volume = node.Volume;
        if (member.System.Sync && volume is { IsPrimary: true, Mirror: MirrorState.Whole } && Works(member, node) && member.CopyDue is null && member.CopyLostAt is { } lost && at - lost >= MirrorPatience)
        {
            (volume.Mirror, volume.MirrorRecord, volume.MirrorNoted) = (MirrorState.OutOfDate, volume.MirrorRecord + 1, false);
        }
    }

    private CopyState StateOfCopy(YearMember member, YearNode node, DateTimeOffset at) =>
        member.Copying != (node.Site, node.Volume.Own) ? CopyState.Paused
        : _sites[1 - node.Site].DiskFull > 0 && Linked ? CopyState.Failed
        : member.CopyDue is not { } due ? CopyState.Connecting
        : due <= at ? CopyState.Current : member.Nodes[1 - node.Site].Volume.Sequence == 0 ? CopyState.Seeding : CopyState.CatchingUp;

    private static DateTimeOffset Slot(DateTimeOffset at, TimeSpan period) => new(at.UtcTicks - (at.UtcTicks % period.Ticks), TimeSpan.Zero);
}
