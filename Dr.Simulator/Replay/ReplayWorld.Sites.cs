using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Failover;
using Dr.Silo.Decisions.Sites;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>The run of a whole site: the silo's own plan says whose turn it is.</summary>
internal sealed partial class ReplayWorld
{
    /// <summary>As often as the silo looks at its systems.</summary>
    private static readonly TimeSpan SiteTick = TimeSpan.FromMilliseconds(500);

    private readonly Dictionary<SystemId, string> _asked = [];

    /// <summary>Null until somebody asked for its turn.</summary>
    public SiteRun? SiteRun { get; private set; }

    /// <summary>What each promotion of a failover cost.</summary>
    public Dictionary<SystemId, TimeSpan> Losses { get; } = [];

    public bool WasAsked(SystemId system) => _asked.ContainsKey(system);

    /// <summary>Why a person had to decide about a system; null when nobody had.</summary>
    public string? WhyAsked(SystemId system) => _asked.GetValueOrDefault(system);

    /// <summary>Why an automatic takeover has to wait; null = it may go.</summary>
    private string? Turn(SimSystem system)
    {
        if (_options.Site is not { } site)
        {
            return null;
        }

        if (SiteRun is null)
        {
            SiteRun = SiteRun.Begin(
                $"{site.Lost}-failover-1", RunKind.Failover, site.Lost, "detector", $"{site.Lost} is lost", automatic: true,
                SitePlan.Make(site.Members, site.ThereAlready, site.Capacity), site.Members, Now);
            _scheduler.After(SiteTick, TickSite);
        }

        return SiteRun.Turn(system.Id);
    }

    private void TickSite()
    {
        foreach (var system in _systems.Values.Where(s => s.State is not null))
        {
            SiteRun = SiteRun!.Seen(system.Id, Standing(system), Now);
        }

        SiteRun = SiteRun!.Tick(Now);
        if (SiteRun.IsLive)
        {
            _scheduler.After(SiteTick, TickSite);
        }
    }

    private SystemStanding Standing(SimSystem system) => new()
    {
        Phase = system.State!.Phase.ToString(),
        Site = system.State.Owner.Site,
        RunLive = system.State.Run is not null,
        WaitsForPerson = system.State.Phase == Phase.NeedsOperator || (system.State.Phase == Phase.Deciding && _asked.ContainsKey(system.Id)),
        HasMoved = system.State.Owner.Site != system.Home && system.State.Phase is Phase.OnTrial or Phase.FailedOver or Phase.Reversing or Phase.FailbackReady,
    };

    /// <summary>Whoever waits for its wave is looked at again.</summary>
    private void LookAgain(SimSystem system, SystemEffect.AssessTakeover assess)
    {
        if (SiteRun?.Systems.FirstOrDefault(s => s.System == system.Id) is { Progress: SiteProgress.LeftOut })
        {
            return;
        }

        _scheduler.After(SiteTick, () =>
        {
            if (system.State is { Phase: Phase.Deciding, Run: { } run } && run.Id == assess.Run)
            {
                Assess(system, assess);
            }
        });
    }

    /// <summary>The site is gone: nothing in it runs, answers or is reached.</summary>
    private void LoseSite()
    {
        var lost = _options.Site!.Lost;
        foreach (var part in Places.PartsOf(lost))
        {
            _network.Break(part);
        }

        foreach (var system in _systems.Values)
        {
            system.At[lost].Running = false;
        }
    }
}
