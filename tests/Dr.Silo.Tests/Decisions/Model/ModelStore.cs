using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions.Model;

/// <summary>One site's volume as the real store behaves: remembers the highest epoch, refuses lower ones, and writes only as primary under a lease that it counts from when it asked, by its own clock.</summary>
internal sealed class ModelStore(SiteId site, double drift)
{
    /// <summary>Gate passed, not answered yet: the number of the write and when it will be answered at the earliest.</summary>
    private readonly List<(int Write, DateTimeOffset AnswerAt)> _inFlight = [];
    private DateTimeOffset _leaseUntil;
    private Epoch _another = Epoch.None; // Highest epoch known to be another's.

    public SiteId Site => site;

    public bool IsOn { get; private set; } = true;

    public bool IsFrozen { get; set; }

    public bool IsPrimary { get; private set; }

    public Epoch Epoch { get; private set; } = Epoch.First;

    public Epoch PrimaryEpoch { get; private set; } = Epoch.None;

    public HashSet<int> Content { get; private init; } = [];

    /// <summary>The moment of the owner's content that this copy holds.</summary>
    public DateTimeOffset? CurrentAsOf { get; set; }

    public bool Diverged { get; private set; }

    public bool Reaches => IsOn && !IsFrozen;

    public bool Runs { get; set; }

    /// <summary>A broken store that forgets what it has seen.</summary>
    public bool ForgetsEpochs { get; init; }

    public bool MayWrite(DateTimeOffset now) => IsOn && IsPrimary && now < _leaseUntil;

    public DateTimeOffset LeaseUntil => _leaseUntil;

    /// <summary>Its own configuration says that it writes under a lease only, and asks for it.</summary>
    public bool AsksForLease { get; init; }

    /// <summary>It is started anew with such a configuration.</summary>
    public ModelStore Leased() => new(site, drift) { AsksForLease = true, IsPrimary = IsPrimary, Epoch = Epoch, PrimaryEpoch = PrimaryEpoch, _another = _another, CurrentAsOf = CurrentAsOf, Runs = Runs, Content = Content };

    /// <summary>A grant arrives that was asked for at <paramref name="sent"/>; its own clock may run slow by ρ.</summary>
    public void Granted(Epoch epoch, DateTimeOffset sent, TimeSpan ttl)
    {
        if (IsPrimary && PrimaryEpoch == epoch && sent + (ttl * (1 + drift)) is var until && until > _leaseUntil)
        {
            _leaseUntil = until;
        }
    }

    public bool Begin(int write, DateTimeOffset now, TimeSpan takes)
    {
        if (!Reaches || !MayWrite(now))
        {
            return false;
        }

        Content.Add(write);
        _inFlight.Add((write, now + takes));
        return true;
    }

    /// <summary>Writes that are answered by now. Who was frozen meanwhile looks at the gate again and answers nothing.</summary>
    public IEnumerable<int> Answered(DateTimeOffset now)
    {
        if (!Reaches)
        {
            return [];
        }

        var due = _inFlight.Where(w => w.AnswerAt <= now).ToArray();
        _inFlight.RemoveAll(w => w.AnswerAt <= now);
        return due.Where(w => w.AnswerAt < _leaseUntil + LeaseClock.GateTime && now < _leaseUntil + LeaseClock.GateTime).Select(w => w.Write);
    }

    public bool Promote(Epoch epoch, DateTimeOffset now, TimeSpan? ttl)
    {
        if (!ForgetsEpochs && ((epoch <= _another && !(IsPrimary && PrimaryEpoch == epoch)) || epoch < Epoch || (epoch == Epoch && IsPrimary && PrimaryEpoch > epoch)))
        {
            return false;
        }

        if (!IsPrimary || PrimaryEpoch != epoch)
        {
            (IsPrimary, Epoch, PrimaryEpoch, CurrentAsOf) = (true, epoch, epoch, null);
            _leaseUntil = ttl is { } t ? now + t : AsksForLease ? default : new DateTimeOffset(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);
        }

        return true;
    }

    /// <summary>Null = fenced.</summary>
    public int? Demote(Epoch epoch)
    {
        if (!ForgetsEpochs && (epoch < Epoch || (IsPrimary && epoch == PrimaryEpoch)))
        {
            return null;
        }

        SeeEpoch(epoch);
        _another = epoch;
        return Content.Count == 0 ? 0 : Content.Max();
    }

    public void SeeEpoch(Epoch epoch)
    {
        if (epoch > Epoch || ForgetsEpochs)
        {
            Epoch = epoch;
            if (IsPrimary)
            {
                (IsPrimary, _leaseUntil) = (false, default);
                _inFlight.Clear();
            }
        }
    }

    /// <summary>Follows <paramref name="owner"/>: what parted from it goes aside, what it has comes.</summary>
    public void Follow(ModelStore owner, DateTimeOffset now)
    {
        if (IsPrimary && PrimaryEpoch >= owner.PrimaryEpoch)
        {
            return;
        }

        SeeEpoch(owner.PrimaryEpoch);
        _another = owner.PrimaryEpoch;
        Content.Clear();
        Content.UnionWith(owner.Content);
        (CurrentAsOf, Diverged) = (now, false);
    }

    public void PowerOff() => (IsOn, _leaseUntil, Runs) = (false, default, false);

    public void PowerOn()
    {
        _inFlight.Clear();
        (IsOn, IsFrozen) = (true, false);
    }
}
