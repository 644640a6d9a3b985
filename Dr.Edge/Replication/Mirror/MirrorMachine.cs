namespace Dr.Edge.Replication.Mirror;

/// <summary>
/// Decides when writes wait for a synchronous copy and when they go on without it. Pure: no clock, no disk. The law: a write is answered when it is on the mirror, or when the mirror is
/// recorded as out of date wherever somebody may decide to take over on it; never otherwise.
/// </summary>
internal static class MirrorMachine
{
    private static readonly IReadOnlyList<MirrorEffect> Nothing = [];

    public static (MirrorModel Next, IReadOnlyList<MirrorEffect> Effects) Apply(MirrorModel mirror, MirrorEvent happened) => happened switch
    {
        MirrorEvent.Configured configured => Configure(mirror with { Wanted = configured.Wanted, OnLoss = configured.OnLoss, DegradeAfter = configured.DegradeAfter }),
        MirrorEvent.RoleLost => Reset(mirror),
        MirrorEvent.Lost lost => Lose(mirror, lost.Now),
        MirrorEvent.Lacking lacking => Lack(mirror, lacking.Now),
        MirrorEvent.Tick tick => Wait(mirror, tick),
        MirrorEvent.Recorded recorded => OnRecorded(mirror, recorded.Record),
        MirrorEvent.CaughtUp => Join(mirror),
        MirrorEvent.Engaged engaged when mirror.Phase == MirrorPhase.Joining && mirror.JoinAt is null => (mirror with { JoinAt = engaged.At }, Nothing),
        MirrorEvent.Acknowledged acknowledged when mirror is { Phase: MirrorPhase.Joining, JoinAt: { } at } && acknowledged.Durable >= at => Record(mirror),
        _ => (mirror, Nothing), // Late or repeated: changes nothing.
    };

    private static (MirrorModel, IReadOnlyList<MirrorEffect>) Configure(MirrorModel mirror) => (mirror.Phase, mirror.Wanted) switch
    {
        (MirrorPhase.Off, true) => Save(mirror with { Phase = MirrorPhase.Following }, MirrorState.OutOfDate),
        (MirrorPhase.Following, false) => Save(mirror with { Phase = MirrorPhase.Off }, MirrorState.None),
        (MirrorPhase.Joining, false) when !mirror.Lacks => Save(mirror with { Phase = MirrorPhase.Off, JoinAt = null }, MirrorState.None, new MirrorEffect.Disengage()),

        // Somebody may believe it whole: they learn that it no longer is before a single write is answered without it.
        (MirrorPhase.Joining or MirrorPhase.Recording or MirrorPhase.Whole or MirrorPhase.Late, false) => Note(mirror),
        _ => (mirror, Nothing),
    };

    private static (MirrorModel, IReadOnlyList<MirrorEffect>) Join(MirrorModel mirror) => mirror.Phase switch
    {
        MirrorPhase.Following when mirror.Wanted => (mirror with { Phase = MirrorPhase.Joining, JoinAt = null }, [new MirrorEffect.Engage()]),

        // What was sent to it again is not there before it says so.
        MirrorPhase.Late when mirror.Lacks => (mirror with { Phase = MirrorPhase.Joining, JoinAt = null }, [new MirrorEffect.Engage()]),

        // Writes have been waiting all the time: there is nothing that it could lack.
        MirrorPhase.Late when mirror.IsRecordedWhole => (mirror with { Phase = MirrorPhase.Whole }, Nothing),
        MirrorPhase.Late => Record(mirror),
        _ => (mirror, Nothing),
    };

    private static (MirrorModel, IReadOnlyList<MirrorEffect>) Lose(MirrorModel mirror, TimeSpan now) => mirror.Phase switch
    {
        MirrorPhase.Joining when mirror.Lacks => (mirror with { Phase = MirrorPhase.Late, LateSince = now, JoinAt = null }, Nothing),

        // Recorded as out of date all along: nobody takes it for whole.
        MirrorPhase.Joining => (mirror with { Phase = MirrorPhase.Following, JoinAt = null }, [new MirrorEffect.Disengage()]),
        MirrorPhase.Recording or MirrorPhase.Whole => (mirror with { Phase = MirrorPhase.Late, LateSince = now }, Nothing),
        _ => (mirror, Nothing),
    };

    // Whoever takes it for whole hears that it is not. By degrade writes then go on without it as without one that is gone; by stall they wait until it has everything again.
    private static (MirrorModel, IReadOnlyList<MirrorEffect>) Lack(MirrorModel mirror, TimeSpan now)
    {
        if (mirror.Phase == MirrorPhase.Joining)
        {
            return Lose(mirror, now); // It joins anew, with the end of then.
        }

        if (mirror.Lacks || mirror.Phase is not (MirrorPhase.Recording or MirrorPhase.Whole or MirrorPhase.Late))
        {
            return (mirror, Nothing); // Out of date already.
        }

        if (mirror.OnLoss == LossPolicy.Degrade)
        {
            return Note(mirror);
        }

        var next = mirror with { Phase = MirrorPhase.Late, LateSince = now, IsRecordedWhole = false, Lacks = true, IsLackNoted = false, Record = mirror.Record + 1 };
        return (next, [new MirrorEffect.Note(next.Record, MirrorState.OutOfDate, Lacks: true)]);
    }

    private static (MirrorModel, IReadOnlyList<MirrorEffect>) Wait(MirrorModel mirror, MirrorEvent.Tick tick) => mirror switch
    {
        { OnLoss: LossPolicy.Degrade, Phase: MirrorPhase.Late } when tick.Now - mirror.LateSince >= mirror.DegradeAfter => Note(mirror),

        // Connected and yet not getting on (its disk hangs, say) is as bad as gone.
        { OnLoss: LossPolicy.Degrade, Phase: MirrorPhase.Whole } when tick.Stalled >= mirror.DegradeAfter => Note(mirror),
        _ => (mirror, Nothing),
    };

    private static (MirrorModel, IReadOnlyList<MirrorEffect>) OnRecorded(MirrorModel mirror, long record)
    {
        if (record != mirror.Record)
        {
            return (mirror, Nothing);
        }

        return mirror.Phase switch
        {
            MirrorPhase.Recording => (mirror with { Phase = MirrorPhase.Whole, IsRecordedWhole = true }, Nothing),
            MirrorPhase.Late or MirrorPhase.Joining when mirror.Lacks => (mirror with { IsLackNoted = true }, Nothing),
            MirrorPhase.Late => (mirror with { IsRecordedWhole = true }, Nothing),
            MirrorPhase.Noting => (mirror with { Phase = mirror.Wanted ? MirrorPhase.Following : MirrorPhase.Off, IsRecordedWhole = false }, [new MirrorEffect.Disengage()]),
            _ => (mirror, Nothing),
        };
    }

    // Who owns the volume next begins anew; a barrier without an owner fails its writers by itself.
    private static (MirrorModel, IReadOnlyList<MirrorEffect>) Reset(MirrorModel mirror) =>
        mirror.Phase is MirrorPhase.Off or MirrorPhase.Following && !mirror.IsRecordedWhole
            ? (mirror, Nothing)
            : Save(mirror with { Phase = mirror.Wanted ? MirrorPhase.Following : MirrorPhase.Off, JoinAt = null, IsRecordedWhole = false, Lacks = false }, mirror.Wanted ? MirrorState.OutOfDate : MirrorState.None, new MirrorEffect.Disengage());

    private static (MirrorModel, IReadOnlyList<MirrorEffect>) Record(MirrorModel mirror)
    {
        var next = mirror with { Phase = MirrorPhase.Recording, JoinAt = null, Lacks = false, Record = mirror.Record + 1 };
        return (next, [new MirrorEffect.Save(next.Record, MirrorState.Whole)]);
    }

    private static (MirrorModel, IReadOnlyList<MirrorEffect>) Note(MirrorModel mirror)
    {
        var next = mirror with { Phase = MirrorPhase.Noting, JoinAt = null, Lacks = false, Record = mirror.Record + 1 };
        return (next, [new MirrorEffect.Note(next.Record, next.Wanted ? MirrorState.OutOfDate : MirrorState.None)]);
    }

    private static (MirrorModel, IReadOnlyList<MirrorEffect>) Save(MirrorModel mirror, MirrorState state, params MirrorEffect[] first)
    {
        var next = mirror with { Record = mirror.Record + 1 };
        return (next, [.. first, new MirrorEffect.Save(next.Record, state)]);
    }
}
