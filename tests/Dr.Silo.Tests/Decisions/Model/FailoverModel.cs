using Dr.Contracts.Grains;
using Dr.Contracts.Ids;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Tests.Decisions.Model;

/// <summary>
/// A whole small world around one machine: two stores with leases and clocks of their own, a ledger, writes and their answers, a line that can be cut, commands that are lost, late and
/// doubled, a control plane that is killed. Numbers decide what happens next; after each the invariants of the design are looked at.
/// </summary>
internal sealed partial class FailoverModel
{
    public const int Actions = 24;

    private static readonly SiteId Home = new("production");
    private static readonly SiteId Peer = new("backup");

    private readonly TableIndex _table;
    private readonly Breakage _broken;
    private readonly bool _lease;
    private readonly Dictionary<SiteId, ModelStore> _stores;
    private readonly List<SystemEffect> _effects = [];
    private readonly List<(SystemEffect Effect, int Times)> _commands = [];
    private readonly List<(SiteId Site, Epoch Epoch, DateTimeOffset Sent)> _grants = [];
    private readonly Dictionary<int, (SiteId Site, Epoch Epoch, DateTimeOffset At)> _answered = [];
    private readonly Dictionary<CommandId, SystemEvent> _results = [];
    private readonly HashSet<Epoch> _epochsClaimed = [Epoch.First];
    private Ownership _ledger = new(Epoch.First, Home);
    private readonly HashSet<SiteId> _heard = [Home, Peer];
    private bool _ledgerFences;
    private DateTimeOffset _hearsSince;
    private DateTimeOffset _lastGrant;
    private (SiteId Site, Epoch Epoch) _copying;
    private DateTimeOffset? _automaticAt;
    private DateTimeOffset? _foundAt;
    private SiteId? _cut;
    private bool _lossyLine;
    private bool _linked = true;
    private int _writes;
    private int _orders;

    public FailoverModel(TableIndex table, int kind, Breakage broken = Breakage.None)
    {
        (_table, _broken) = (table, broken);
        _lease = (kind & 1) == 0;
        var forget = broken == Breakage.StoreForgetsEpochs;
        _stores = new() { [Home] = new ModelStore(Home, LeaseClock.DriftRho * 0.9) { ForgetsEpochs = forget, AsksForLease = _lease }, [Peer] = new ModelStore(Peer, -LeaseClock.DriftRho * 0.9) { ForgetsEpochs = forget, AsksForLease = _lease } };
        State = SystemState.New(new SystemId("dilas"), new TakeoverRules
        {
            Home = Home,
            Peer = Peer,
            Class = TakeoverClass.T,
            Approval = (kind & 2) == 0 ? ApprovalMode.Automatic : ApprovalMode.Person,
            LeaseTtl = _lease ? LeaseClock.DefaultTtl : null,
            FenceDevice = (kind & 4) != 0,
        }, _ledger, Now);
        _stores[Home].Promote(Epoch.First, Now, _lease ? LeaseClock.DefaultTtl : null);
        _stores[Home].Runs = true;
        _lastGrant = _hearsSince = Now;
        Renew(0);
        Apply(new SystemEvent.CopyConfigured());
        DeliverAll();
        Observe();
    }

    public SystemState State { get; private set; }

    public DateTimeOffset Now { get; private set; } = DateTimeOffset.UnixEpoch.AddDays(1);

    public List<string> Trace { get; } = [];

    public List<SystemEffect.RaiseAlert> Alerts { get; } = [];

    public HashSet<string> RulesUsed { get; } = new(StringComparer.Ordinal);

    private ModelStore Owner => _stores[_ledger.Site];

    private ModelStore Copy => _stores[_ledger.Site == Home ? Peer : Home];

    /// <summary>One thing that happens; time goes on a little.</summary>
    public void Play(int choice)
    {
        var (action, detail) = (choice % Actions, choice / Actions);
        _lossyLine = true;
        Pass(TimeSpan.FromMilliseconds(50 + (detail % 2_500)));
        switch (action)
        {
            case 0 or 1 or 2:
                Write(_stores[Home], detail);
                Write(_stores[Peer], detail);
                break;
            case 3 or 4:
                Renew(detail);
                break;
            case 5 or 6:
                CopyOn();
                break;
            case 7:
                _linked = detail % 3 != 0;
                break;
            case 8:
                _stores[detail % 2 == 0 ? Home : Peer].IsFrozen ^= true;
                break;
            case 9:
                var store = _stores[detail % 3 == 0 ? Peer : Home];
                if (store.IsOn)
                {
                    store.PowerOff();
                }
                else
                {
                    store.PowerOn();
                }

                break;
            case 10:
                Apply(new SystemEvent.Suspected(8, "silent"));
                break;
            case 11:
                Apply(detail % 4 == 0 ? Found(FaultScope.Unjudged, EvidenceKinds.None) : Classified());
                break;
            case 12 or 13 or 14 or 15:
                Deliver(detail);
                break;
            case 16:
                Repeat(detail);
                break;
            case 17:
                Restart();
                break;
            case 18:
                Order(detail);
                break;
            case 19 or 20:
                Apply(new SystemEvent.TimePassed());
                break;
            case 21:
                Pass(State.WakeAt is { } at && at > Now && at - Now < TimeSpan.FromHours(2) ? at - Now : TimeSpan.Zero);
                Apply(new SystemEvent.TimePassed());
                break;
            case 22:
                Race(detail);
                break;
            default:
                Observe();
                break;
        }
    }

    /// <summary>The closest that it can come: the old owner writes up to the end of its lease, slowly, while the other side is promoted as soon as it may be.</summary>
    private void Race(int detail)
    {
        if (State is not { Phase: Phase.Fencing, Run: { FenceBy: { } by, Proof: null } } || by - Now > TimeSpan.FromMinutes(1))
        {
            return;
        }

        while (Now < by - TimeSpan.FromMilliseconds(80))
        {
            Pass(TimeSpan.FromMilliseconds(70));
            Renew(detail);
            Write(_stores[State.Owner.Site], detail % 2 == 0 ? 7 : 1);
        }

        Pass(by > Now ? by - Now : TimeSpan.Zero);
        Apply(new SystemEvent.TimePassed());
        if (_cut is not null || Owner.IsFrozen)
        {
            _commands.Clear();
        }

        DeliverAll();
        Observe();
        DeliverAll();
        for (var n = 0; n < 25; n++)
        {
            Pass(TimeSpan.FromMilliseconds(100));
            Write(_stores[Peer], 1);
            Write(_stores[Home], 1);
        }
    }

    /// <summary>The home site burns, and within the hour the other one does: the second time nothing acts by itself.</summary>
    public void SecondDisaster(int seed)
    {
        var random = new Random(seed);
        Until(Phase.Protected, random);
        for (var n = 0; n < 2; n++)
        {
            Owner.PowerOff();
            Apply(Classified());
            for (var round = 0; round < 60 && State.Phase is not (Phase.OnTrial or Phase.NeedsOperator); round++)
            {
                Pass(TimeSpan.FromSeconds(1));
                DeliverAll();
                Observe();
                Apply(new SystemEvent.TimePassed());
                if (n == 0 && State is { Phase: Phase.Deciding, Run: { Assessment: not null } run, Rules.Approval: ApprovalMode.Person })
                {
                    Apply(new SystemEvent.Approve("operator", run.Id, null));
                }
            }

            if (n == 0 && State is { Phase: Phase.OnTrial, Run: { } taken })
            {
                Apply(new SystemEvent.Commit("operator", taken.Id));
                Until(Phase.FailbackReady, random);
            }
        }
    }

    /// <summary>Everything is repaired, everything is delivered, people do their part: where does it end?</summary>
    public Phase Heal()
    {
        _linked = true;
        for (var round = 0; round < 300 && State.Phase is not (Phase.Protected or Phase.NeedsOperator); round++)
        {
            // A command that was lost is asked for again when its time is up.
            Pass(round % 5 == 4 && State.WakeAt is { } wake && wake > Now ? wake - Now : TimeSpan.FromSeconds(1));
            DeliverAll();
            Repair();
            Renew(0);
            CopyOn();
            Observe();
            Apply(new SystemEvent.OwnerServes());
            Apply(new SystemEvent.TimePassed());
            switch (State)
            {
                case { Phase: Phase.Deciding, Run: { } run }:
                    Apply(new SystemEvent.Abort("operator", run.Id));
                    break;
                case { Phase: Phase.OnTrial, Run: { } run }:
                    Apply(new SystemEvent.Commit("operator", run.Id));
                    break;
                case { Phase: Phase.Diverged }:
                    Apply(new SystemEvent.ResolveDivergence("operator"));
                    break;
                case { Phase: Phase.Held }:
                    Apply(new SystemEvent.Release("operator"));
                    break;
                case { Phase: Phase.FailbackReady }:
                    Apply(new SystemEvent.StartMove("operator", NewRun()));
                    break;
            }
        }

        return State.Phase;
    }

    /// <summary>In good weather: over to the other site by order and home again, with writes all the time. Nothing may be late and nobody may be asked.</summary>
    public void RoundTrip(int seed)
    {
        var random = new Random(seed);
        Until(Phase.Protected, random);
        Apply(new SystemEvent.StartFailover("operator", NewRun(), "practice"));
        Until(Phase.OnTrial, random);
        Apply(new SystemEvent.Commit("operator", State.Run!.Id));
        Until(Phase.FailbackReady, random);
        Apply(new SystemEvent.StartMove("operator", NewRun()));
        Until(Phase.Protected, random);
        State.Owner.Site.ShouldBe(Home);
        foreach (var late in _late.ToArray())
        {
            Execute(late); // The line repeats what was said long ago.
            CheckWriters();
        }

        Alerts.Where(a => a.Alert is AlertKey.StepLate or AlertKey.StepFailed or AlertKey.WaitsForPerson or AlertKey.FencingUnproven).ShouldBeEmpty("nothing was wrong");
    }

    /// <summary>The owner is cut off, frozen or deaf while the other side takes over, and the control plane may be killed in between.</summary>
    public void FencedTakeover(int seed)
    {
        var random = new Random(seed);
        Until(Phase.Protected, random);
        var owner = Owner;
        var how = random.Next(3);
        (owner.IsFrozen, _cut) = (how == 0, how == 1 ? owner.Site : null);
        Pass(TimeSpan.FromMilliseconds(random.Next(2_000)));
        Apply(new SystemEvent.StartFailover("operator", NewRun(), "practice"));
        for (var round = 0; round < 12 && State.Phase is Phase.Deciding or Phase.Fencing; round++)
        {
            DeliverEffects();
            _commands.Clear(); // Whatever is said to it is lost.
            Renew(random.Next(200));
            if (random.Next(4) == 0)
            {
                Restart();
            }

            Race(random.Next(100));
        }

        (owner.IsFrozen, _cut) = (false, null);
        for (var n = 0; n < 40; n++)
        {
            Pass(TimeSpan.FromMilliseconds(100));
            DeliverAll();
            Write(owner, 1);
            Write(Owner, 1);
        }
    }

    /// <summary>Policy turns leases on while the owner has none, or has had them all along, or gets its own configuration now, before or after it is cut off; and then the other side takes over.</summary>
    public void LeaseTurnedOn(int seed)
    {
        var random = new Random(seed);
        Until(Phase.Protected, random);
        var (site, restarted, granted) = (State.Owner.Site, random.Next(3), LeaseClock.DefaultTtl);
        for (var step = 0; step < 3; step++)
        {
            if (step == restarted && _cut is null)
            {
                _stores[site] = _stores[site].Leased();
            }
            else if (step == 1)
            {
                State = State.Under(State.Rules with { LeaseTtl = LeaseClock.DefaultTtl }, granted, Now);
                State = _broken == Breakage.PolicyCountsAsLease ? State with { LeaseAsked = null } : State;
            }

            Pass(TimeSpan.FromMilliseconds(random.Next(2_000)));
            _cut = random.Next(3) == 0 ? site : _cut;
            Renew(random.Next(200));
        }

        _cut = site;
        Apply(new SystemEvent.StartFailover("operator", NewRun(), "practice"));
        for (var round = 0; round < 12 && State.Phase is Phase.Deciding or Phase.Fencing; round++)
        {
            DeliverEffects();
            _commands.RemoveAll(c => c.Effect is SystemEffect.RunStep step && step.Key.Target == site);
            Race(random.Next(100));
            Pass(TimeSpan.FromSeconds(random.Next(8)));
            Write(_stores[site], 1);
            Apply(new SystemEvent.TimePassed());
            DeliverAll();
        }

        for (var n = 0; n < 20; n++)
        {
            Pass(TimeSpan.FromMilliseconds(100));
            Write(_stores[Home], 1);
            Write(_stores[Peer], 1);
        }
    }

    /// <summary>The owner is lost and proven to be; before anything more is done the control plane is away for a while, and afterwards it takes some seconds until it hears the copy again.</summary>
    public void RestartedAfterTheProof(int seed)
    {
        var random = new Random(seed);
        Until(Phase.Protected, random);
        Owner.PowerOff();
        Apply(new SystemEvent.StartFailover("operator", NewRun(), "practice"));
        DeliverEffects();
        Pass(State.Run!.FenceBy!.Value - Now);
        Apply(new SystemEvent.TimePassed());
        State.Run.Proof.ShouldNotBeNull();

        Pass(TimeSpan.FromSeconds(random.Next(3_600)));
        Restart();
        var comes = random.Next(4) > 0;
        var hearsAt = Now + TimeSpan.FromMilliseconds(random.Next((int)Budgets.CatchUp.TotalMilliseconds - 1_500));
        if (!comes)
        {
            Copy.PowerOff();
        }

        for (var round = 0; round < 60 && State.Phase is not (Phase.OnTrial or Phase.NeedsOperator); round++)
        {
            Pass(TimeSpan.FromMilliseconds(random.Next(1_000)));
            if (Now < hearsAt)
            {
                AssessAgain();
            }
            else
            {
                Observe();
            }

            DeliverAll();
            Apply(new SystemEvent.TimePassed());
        }

        State.Phase.ShouldBe(comes ? Phase.OnTrial : Phase.NeedsOperator, string.Join("; ", Trace.TakeLast(8)));
    }

    /// <summary>One person insists that the owner is off; it is not.</summary>
    public void ForcedByOne(int seed)
    {
        var random = new Random(seed);
        Until(Phase.Protected, random);
        _cut = Owner.Site;
        var run = NewRun();
        Apply(new SystemEvent.StartForce("wang", run, "burnt", "the rack is dark"));
        for (var n = 0; n < 30; n++)
        {
            Pass(TimeSpan.FromSeconds(random.Next(40)));
            Apply(new SystemEvent.Attest(n % 2 == 0 ? "wang" : "Wang ", run, "I am sure"));
            DeliverAll();
            Apply(new SystemEvent.TimePassed());
        }

        State.Owner.Epoch.ShouldBe(Epoch.First, "one person took over by force");
    }

    private void DeliverEffects()
    {
        while (_effects.Count > 0)
        {
            Deliver(0);
        }
    }

    private void Until(Phase phase, Random random)
    {
        for (var round = 0; State.Phase != phase; round++)
        {
            round.ShouldBeLessThan(60, $"{phase} is not reached from {State.Phase}: {string.Join("; ", Trace.TakeLast(12))}");
            Pass(TimeSpan.FromMilliseconds(300));
            Repair();
            Write(_stores[Home], 3);
            Write(_stores[Peer], 5);
            Renew(1);
            CopyOn();
            while (_commands.Count + _effects.Count > 0)
            {
                Deliver(random.Next(1 << 20));
            }

            Observe();
            Apply(new SystemEvent.TimePassed());
        }
    }

    /// <summary>Somebody switches on what is off: a fault, or the fence device.</summary>
    private void Repair()
    {
        foreach (var store in _stores.Values)
        {
            store.IsFrozen = false;
            if (!store.IsOn)
            {
                store.PowerOn();
            }
        }
    }

    private RunId NewRun() => new($"order-{_orders++}");

    private SystemEvent.Classified Classified() => Found(Owner.Reaches ? FaultScope.None : FaultScope.Device, EvidenceKinds.MissedBeats | EvidenceKinds.Witnesses);

    private SystemEvent.Classified Found(FaultScope scope, EvidenceKinds kinds)
    {
        _foundAt = scope == FaultScope.Unjudged ? _foundAt : Now;
        return new SystemEvent.Classified(new Verdict { Scope = scope, Evidence = kinds, Reasons = ["model"], At = Now });
    }

    private void Order(int detail)
    {
        var run = State.Run?.Id ?? new RunId("none");
        var off = !_stores[State.Owner.Site].IsOn;
        SystemEvent? order = (detail % 13) switch
        {
            0 => new SystemEvent.StartFailover("operator", NewRun(), "because"),
            1 => new SystemEvent.StartMove("operator", NewRun()),
            2 => new SystemEvent.StartDrill("operator", NewRun()),
            3 or 4 => new SystemEvent.Approve("operator", run, TimeSpan.FromMinutes(20)),
            5 => new SystemEvent.Abort("operator", run),
            6 => new SystemEvent.Commit("operator", run),
            7 => new SystemEvent.RollBack("operator", NewRun(), "worse"),
            8 => new SystemEvent.Retry("operator", run),
            9 => new SystemEvent.StartForce("wang", NewRun(), "burnt", "the rack is dark"),
            // People who attest tell the truth; one person says it as often as he likes.
            10 => new SystemEvent.Attest("wang", run, "the rack is dark"),
            11 when off => new SystemEvent.Attest("li", run, "I pulled the plug"),
            12 => new SystemEvent.Hold("operator", Now + TimeSpan.FromMinutes(5), "work"),
            _ => null,
        };
        if (order is not null)
        {
            Apply(order);
        }
    }
}
