using Dr.Contracts.Grains;
using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Sites;
using Dr.Simulator.Replay;
using Dr.Simulator.World;

namespace Dr.Simulator.Plans;

/// <summary>One system when its site is lost; times in seconds from the loss, over all seeds.</summary>
/// <param name="Wave">From 1; null = it does not go.</param>
/// <param name="Detected">Suspected.</param>
/// <param name="Decided">Evidence, loss and turn are there: fencing begins.</param>
/// <param name="Started">Owner fenced, copy promoted: it is being started or pointed at.</param>
/// <param name="Serving">It serves at the other site.</param>
/// <param name="Loss">Seconds of data.</param>
/// <param name="LeftBehind">Why it stays behind, or why a person has to decide.</param>
internal sealed record SystemForecast(
    SystemId System, string Class, int Priority, IReadOnlyList<SystemId> DependsOn, double Load, int? Wave, Spread? Detected, Spread? Decided, Spread? Started, Spread? Serving, Spread? Loss, double AutomaticShare, string? LeftBehind);

/// <summary>A system that serves at the other site: it goes on, and has no copy until the lost site is back.</summary>
/// <param name="HeldGigabytesPerDay">History that its site keeps for the lost one; a gigabyte is 10⁹ bytes.</param>
/// <param name="HoldDays">Until that is more than the hold budget and the copy has to start from the last common point.</param>
/// <param name="CatchUpHours">To send what a day without the line left, over its bandwidth class; null = it never catches up.</param>
internal sealed record StayingSystem(SystemId System, string Class, double HeldGigabytesPerDay, double? HoldDays, double? CatchUpHours);

/// <summary>What happens when a site is lost at a given moment: the silo's own plan and decisions, many times over.</summary>
internal sealed record SiteForecast
{
    /// <summary>The paper's objective for a lost site (R1).</summary>
    public static readonly TimeSpan Objective = TimeSpan.FromMinutes(10);

    /// <summary>Longer than any takeover; what does not serve by then waits for somebody.</summary>
    private static readonly TimeSpan Watched = TimeSpan.FromMinutes(30);

    public required string SiteLost { get; init; }

    public required string At { get; init; }

    public required bool InOpeningHours { get; init; }

    public required int Seeds { get; init; }

    public required double? Capacity { get; init; }

    public required IReadOnlyList<SystemForecast> Systems { get; init; }

    public required IReadOnlyList<StayingSystem> Staying { get; init; }

    /// <summary>Seconds until the last of those that go serves.</summary>
    public required Spread? AllServing { get; init; }

    public required IReadOnlyList<string> Assumptions { get; init; }

    public bool WithinObjective => (Systems.Count == 0 || AllServing is { } all && all.P95 <= Objective.TotalSeconds) && Systems.All(s => (s.Loss?.Max ?? 0) <= Objective.TotalSeconds);

    /// <summary>A copy's default hold budget, bytes.</summary>
    private const double HoldBudget = 20.0 * (1L << 30);

    /// <summary>… and at most this share of the disk.</summary>
    private const double HoldShare = 0.1;

    public static SiteForecast Make(PlannedSystems planned, SiteId lost, PlannedMoment moment, double? capacity, ulong seed, int seeds, Action? done, CancellationToken cancellationToken)
    {
        var year = new FaultYear([], [], planned.Policies);
        var loss = new SiteLoss(lost, [.. planned.Members.Where(m => planned.Homes[m.System] == lost)], [.. planned.Members.Where(m => planned.Homes[m.System] != lost)], capacity);
        var plan = SitePlan.Make(loss.Members, loss.ThereAlready, loss.Capacity);
        var lives = new OneLoss[seeds];
        Parallel.For(0, loss.Members.Count == 0 ? 0 : seeds, new ParallelOptions { CancellationToken = cancellationToken }, i =>
        {
            lives[i] = OneLoss.Of(ReplayRun.LoseSite(year, new ReplayOptions { Seed = seed + (ulong)i, Site = loss, Stories = false }, moment.At, Watched, cancellationToken), loss.Members, moment.At);
            done?.Invoke();
        });
        return new SiteForecast
        {
            SiteLost = lost.Value,
            At = moment.ToString(),
            InOpeningHours = moment.IsOpen(OpeningCalendar.Default),
            Seeds = seeds,
            Capacity = capacity,
            Systems = [.. loss.Members.Select((m, i) => Of(m, planned, plan, [.. lives.Select(l => l.Systems[i])])).OrderBy(s => s.Wave ?? int.MaxValue).ThenBy(s => s.Priority).ThenBy(s => s.System.Value, StringComparer.Ordinal)],
            Staying = Stay(planned, loss),
            AllServing = loss.Members.Count == 0 ? null : Spread.Of(lives.Select(l => l.Systems.Max(s => s.Serving)).OfType<double>()),
            Assumptions = [.. planned.Assumptions, .. loss.ThereAlready.Count == 0 ? (string[])[] : ["Held for a lost copy is every write, up to the default hold budget: 20 GiB, at most a tenth of the disk."], "Times are drawn between the bounds of the model (fencing, promotion, start of applications); measured ones of your own drills replace them."],
        };
    }

    private static StayingSystem[] Stay(PlannedSystems planned, SiteLoss loss)
    {
        var classes = CapacityPlan.Make(planned.Policies, new CapacityInputs { GrowthPercent = 0, Years = 0 }).Classes.ToDictionary(c => c.Class);
        return [.. loss.ThereAlready.Select(m =>
        {
            var policy = planned.Policies.First(p => p.Systems[0] == m.System);
            var (change, budget) = (policy.ChangeGigabytesPerDay, policy.DiskTerabytes > 0 ? Math.Min(HoldBudget, policy.DiskTerabytes * 1e12 * HoldShare) : HoldBudget);
            return new StayingSystem(m.System, StreamModel.NameOf(policy), change, change > 0 ? budget / (change * 1e9) : null, classes[StreamModel.NameOf(policy)].Years[0].CatchUpHours);
        })];
    }

    private static SystemForecast Of(SiteMember member, PlannedSystems planned, SitePlan plan, IReadOnlyList<OneSystem> lives)
    {
        var wave = plan.Waves.Select((w, i) => (w, i)).Where(x => x.w.Contains(member.System)).Select(x => (int?)x.i + 1).FirstOrDefault();
        var automatic = lives.Count(l => l.Serving is not null && !l.Asked) / (double)lives.Count;
        return new SystemForecast(
            member.System, planned.Policies.First(p => p.Systems[0] == member.System) is { } p && ReplayRun.ClassOf(p) == TakeoverClass.R ? "R" : "T", member.Priority, member.DependsOn, member.Load, wave,
            Spread.Of(lives.Select(l => l.Detected).OfType<double>()), Spread.Of(lives.Select(l => l.Decided).OfType<double>()), Spread.Of(lives.Select(l => l.Started).OfType<double>()), Spread.Of(lives.Select(l => l.Serving).OfType<double>()),
            Spread.Of(lives.Select(l => l.Loss).OfType<double>()), automatic,
            plan.LeftOut.GetValueOrDefault(member.System) ?? (automatic < 1 ? string.Create(CultureInfo.InvariantCulture, $"A person has to decide in {100 * (1 - automatic):0} of 100 cases: {lives.FirstOrDefault(l => l.Why is not null)?.Why ?? "the policy asks for approval"}") : null));
    }

    /// <summary>One seed.</summary>
    private sealed record OneLoss(IReadOnlyList<OneSystem> Systems)
    {
        public static OneLoss Of(ReplayWorld world, IReadOnlyList<SiteMember> members, DateTimeOffset strike)
        {
            var audit = world.Audit.ToLookup(a => a.System);
            return new OneLoss([.. members.Select(m =>
            {
                double? First(Func<Silo.Decisions.Failover.AuditEntry, bool> fits) => audit[m.System].FirstOrDefault(a => a.At >= strike && fits(a)) is { } entry ? (entry.At - strike).TotalSeconds : null;
                return new OneSystem(
                    First(a => a.From == Phase.Protected && a.To is Phase.Suspect or Phase.Deciding), First(a => a.From == Phase.Deciding && a.To == Phase.Fencing), First(a => a.From == Phase.Promoting && a.To != Phase.Promoting),
                    First(a => a.To == Phase.OnTrial), world.Losses.TryGetValue(m.System, out var loss) ? loss.TotalSeconds : null, world.WasAsked(m.System), world.WhyAsked(m.System));
            })]);
        }
    }

    private sealed record OneSystem(double? Detected, double? Decided, double? Started, double? Serving, double? Loss, bool Asked, string? Why);
}
