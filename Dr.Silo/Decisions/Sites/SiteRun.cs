using Dr.Contracts.Grains;

namespace Dr.Silo.Decisions.Sites;

/// <summary>Where one system is in the run of its site.</summary>
public enum SiteProgress
{
    /// <summary>Its wave has not come.</summary>
    Waiting,

    /// <summary>Its own run goes on.</summary>
    UnderWay,

    /// <summary>It serves at the other site.</summary>
    Serving,

    /// <summary>Its own run waits for a person, or has ended without moving it.</summary>
    Stuck,

    /// <summary>It does not go: no room, or what it depends on does not go.</summary>
    LeftOut,
}

/// <summary>One system in the run of its site.</summary>
[GenerateSerializer, Immutable, Alias("dr.SiteRunSystem")]
public sealed record SiteRunSystem
{
    [Id(0)] public required SystemId System { get; init; }

    /// <summary>From 0; −1 = left out.</summary>
    [Id(1)] public required int Wave { get; init; }

    [Id(2)] public required SiteProgress Progress { get; init; }

    [Id(3)] public string? Detail { get; init; }

    [Id(4)] public IReadOnlyList<SystemId> DependsOn { get; init; } = [];

    [Id(5)] public DateTimeOffset? StartedAt { get; init; }

    [Id(6)] public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>
/// The takeover or move of a whole site: systems in waves. Pure. The next wave begins when everything of the one before serves, or after <see cref="Patience"/>: one that is stuck holds up only what depends on it.
/// </summary>
[GenerateSerializer, Immutable, Alias("dr.SiteRun")]
public sealed record SiteRun
{
    /// <summary>How long a wave waits for the one before it. A full takeover takes less than a minute.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Id(0)] public required string Id { get; init; }

    [Id(1)] public required RunKind Kind { get; init; }

    [Id(2)] public required SiteId From { get; init; }

    [Id(3)] public required string Actor { get; init; }

    [Id(4)] public required string Reason { get; init; }

    /// <summary>Systems start by themselves, from what is seen of them; this run only says whose turn it is.</summary>
    [Id(5)] public bool Automatic { get; init; }

    [Id(6)] public required DateTimeOffset StartedAt { get; init; }

    [Id(7)] public required IReadOnlyList<SiteRunSystem> Systems { get; init; }

    /// <summary>The last wave that may go.</summary>
    [Id(8)] public int Wave { get; init; }

    [Id(9)] public DateTimeOffset WaveSince { get; init; }

    [Id(10)] public DateTimeOffset? EndedAt { get; init; }

    [Id(11)] public string? Outcome { get; init; }

    public bool IsLive => EndedAt is null;

    public int LastWave => Systems.Select(s => s.Wave).DefaultIfEmpty(-1).Max();

    public static SiteRun Begin(string id, RunKind kind, SiteId from, string actor, string reason, bool automatic, SitePlan plan, IReadOnlyList<SiteMember> members, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var systems = members.Select(m =>
        {
            var wave = plan.Waves.Select((w, i) => (w, i)).Where(w => w.w.Contains(m.System)).Select(w => w.i).DefaultIfEmpty(-1).First();
            return new SiteRunSystem
            {
                System = m.System,
                Wave = wave,
                DependsOn = m.DependsOn,
                Progress = wave < 0 ? SiteProgress.LeftOut : SiteProgress.Waiting,
                Detail = plan.LeftOut.GetValueOrDefault(m.System),
            };
        });
        return new SiteRun { Id = id, Kind = kind, From = from, Actor = actor, Reason = reason, Automatic = automatic, StartedAt = now, Systems = [.. systems.OrderBy(s => s.Wave).ThenBy(s => s.System.Value, StringComparer.Ordinal)], WaveSince = now };
    }

    /// <summary>Why a system has to wait; null = it may go now.</summary>
    public string? Turn(SystemId system)
    {
        if (Systems.FirstOrDefault(s => s.System == system) is not { } mine)
        {
            return null; // Not of this run: nothing to wait for.
        }

        if (mine.Progress == SiteProgress.LeftOut)
        {
            return $"It is left out of the site's takeover {Id}: {mine.Detail}";
        }

        if (mine.Wave > Wave)
        {
            return $"It goes in wave {mine.Wave + 1} of the site's takeover {Id}; wave {Wave + 1} is under way.";
        }

        var missing = mine.DependsOn.Where(d => Systems.Any(s => s.System == d && s.Progress != SiteProgress.Serving)).ToArray();
        return missing.Length > 0 ? $"It waits for {string.Join(", ", missing.Select(m => m.Value))}, on which it depends." : null;
    }

    /// <summary>Systems whose own runs have to be started now.</summary>
    public IReadOnlyList<SystemId> ToStart() => Automatic || !IsLive ? [] : [.. Systems.Where(s => s.Progress == SiteProgress.Waiting && Turn(s.System) is null).Select(s => s.System)];

    /// <summary>One system's own run was ordered, or refused with <paramref name="refusal"/>.</summary>
    public SiteRun Started(SystemId system, string? refusal, DateTimeOffset now) =>
        Edit(system, s => refusal is null ? s with { Progress = SiteProgress.UnderWay, StartedAt = now } : s with { Progress = SiteProgress.Stuck, Detail = refusal, EndedAt = now });

    /// <summary>What is seen of one system now.</summary>
    public SiteRun Seen(SystemId system, SystemStanding standing, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(standing);
        return Edit(system, s => (s.Progress, standing) switch
        {
            (SiteProgress.LeftOut or SiteProgress.Serving, _) => s,
            (_, { HasMoved: true }) when standing.Site != From => s with { Progress = SiteProgress.Serving, StartedAt = s.StartedAt ?? now, EndedAt = now, Detail = null },
            (_, { WaitsForPerson: true }) when s.Progress != SiteProgress.Waiting || Automatic => s with { Progress = SiteProgress.Stuck, Detail = standing.Reason ?? $"It is {standing.Phase}." },
            // One that a person ordered waits for its turn even where the detector began by itself: the order, given then, is its approval.
            (SiteProgress.Waiting, { RunLive: true }) when Automatic => s with { Progress = SiteProgress.UnderWay, StartedAt = now },
            (SiteProgress.UnderWay, { RunLive: false }) when standing.Site == From && now - s.StartedAt > TimeSpan.FromSeconds(5) =>
                s with { Progress = SiteProgress.Stuck, Detail = $"Its run has ended and it serves at {From} still.", EndedAt = now },
            (SiteProgress.Stuck, { RunLive: true, WaitsForPerson: false }) => s with { Progress = SiteProgress.UnderWay, Detail = null, EndedAt = null },
            _ => s,
        });
    }

    /// <summary>Opens the next wave, or ends.</summary>
    public SiteRun Tick(DateTimeOffset now)
    {
        if (!IsLive)
        {
            return this;
        }

        var open = Systems.Where(s => s.Wave >= 0 && s.Wave <= Wave).ToArray();
        var settled = Array.TrueForAll(open, s => s.Progress is SiteProgress.Serving or SiteProgress.Stuck || (s.Progress == SiteProgress.Waiting && Turn(s.System) is not null));
        if (Wave < LastWave && (settled || now - WaveSince >= Patience))
        {
            return this with { Wave = Wave + 1, WaveSince = now };
        }

        if (Wave >= LastWave && settled && now - WaveSince >= TimeSpan.FromSeconds(1))
        {
            var serving = Systems.Count(s => s.Progress == SiteProgress.Serving);
            var rest = Systems.Count - serving;
            return rest == 0 || now - WaveSince >= Patience
                ? this with { EndedAt = now, Outcome = rest == 0 ? $"All {serving} systems serve at the other site." : $"{serving} systems serve at the other site, {rest} do not." }
                : this;
        }

        return this;
    }

    public SiteRun Stop(string actor, DateTimeOffset now) => IsLive ? this with { EndedAt = now, Outcome = $"Stopped by {actor}; runs of systems that had begun go on." } : this;

    private SiteRun Edit(SystemId system, Func<SiteRunSystem, SiteRunSystem> change) => this with { Systems = [.. Systems.Select(s => s.System == system ? change(s) : s)] };
}
