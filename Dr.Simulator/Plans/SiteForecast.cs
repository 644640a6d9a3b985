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

    /// <summary>Seconds until the last of those that go serves.</summary>
    public required Spread? AllServing { get; init; }

    public required IReadOnlyList<string> Assumptions { get; init; }

    public bool WithinObjective => AllServing is { } all && all.P95 <= Objective.TotalSeconds && Systems.All(s => (s.Loss?.Max ?? 0) <= Objective.TotalSeconds);

    public static SiteForecast Make(PlannedSystems planned, PlannedMoment moment, double? capacity, ulong seed, int seeds, Action? done, CancellationToken cancellationToken)
    {
        var year = new FaultYear([], [], planned.Policies);
        var loss = new SiteLoss(planned.Members, [], capacity);
        var plan = SitePlan.Make(loss.Members, loss.ThereAlready, loss.Capacity);
        var lives = new OneLoss[seeds];
        Parallel.For(0, seeds, new ParallelOptions { CancellationToken = cancellationToken }, i =>
        {
            lives[i] = OneLoss.Of(ReplayRun.LoseSite(year, new ReplayOptions { Seed = seed + (ulong)i, Site = loss, Stories = false }, moment.At, Watched, cancellationToken), planned, moment.At);
            done?.Invoke();
        });
        return new SiteForecast
        {
            SiteLost = Places.ProductionSite.Value,
            At = moment.ToString(),
            InOpeningHours = moment.IsOpen(OpeningCalendar.Default),
            Seeds = seeds,
            Capacity = capacity,
            Systems = [.. planned.Members.Select((m, i) => Of(m, planned, plan, [.. lives.Select(l => l.Systems[i])])).OrderBy(s => s.Wave ?? int.MaxValue).ThenBy(s => s.Priority).ThenBy(s => s.System.Value, StringComparer.Ordinal)],
            AllServing = Spread.Of(lives.Select(l => l.Systems.Max(s => s.Serving)).OfType<double>()),
            Assumptions = [.. planned.Assumptions, "Times are drawn between the bounds of the model (fencing, promotion, start of applications); measured ones of your own drills replace them."],
        };
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
        public static OneLoss Of(ReplayWorld world, PlannedSystems planned, DateTimeOffset strike)
        {
            var audit = world.Audit.ToLookup(a => a.System);
            return new OneLoss([.. planned.Members.Select(m =>
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
