using Dr.Silo.Decisions.Detection;

namespace Dr.Silo.Grains;

/// <summary>All devices at once; nothing of it is stored, it is told anew.</summary>
[GrainType("fleet")]
internal sealed class FleetGrain(TimeProvider time) : Grain, IFleetGrain
{
    private readonly Dictionary<DeviceId, FleetMember> _members = [];
    private readonly HashSet<DeviceId> _silent = [];
    private readonly Dictionary<string, (int Devices, int Silent)> _groups = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IReadOnlyList<MeasuredClass>> _measured = new(StringComparer.Ordinal);
    private DateTimeOffset? _massSince;

    public Task ConfigureAsync(IReadOnlyList<FleetMember> members)
    {
        _members.Clear();
        foreach (var member in members)
        {
            _members[member.Device] = member;
        }

        _silent.IntersectWith(_members.Keys);
        _groups.Clear();
        foreach (var member in members)
        {
            Count(member, 1, _silent.Contains(member.Device) ? 1 : 0);
        }

        return Task.CompletedTask;
    }

    public Task OnPresenceAsync(FleetMember member, bool alive)
    {
        if (_members.TryAdd(member.Device, member))
        {
            Count(member, 1, 0);
        }

        member = _members[member.Device];
        if (alive ? _silent.Remove(member.Device) : _silent.Add(member.Device))
        {
            Count(member, 0, alive ? -1 : 1);
            _massSince = _groups.Values.Any(g => CommonAncestor.IsMass(g.Silent, g.Devices)) ? _massSince ?? time.GetUtcNow() : null;
        }

        return Task.CompletedTask;
    }

    /// <summary>Counts per group, kept up with each change: tens of thousands of devices must not be counted anew for each of them.</summary>
    private void Count(FleetMember member, int devices, int silent)
    {
        foreach (var group in new[] { "all", $"site {member.Site}", member.Line is { } line ? $"line {line}" : null }.OfType<string>())
        {
            var (d, s) = _groups.GetValueOrDefault(group);
            _groups[group] = (d + devices, s + silent);
        }
    }

    public Task<SharedCauseView?> CauseOfAsync(DeviceId device) => Task.FromResult(Mass(device));

    public Task MeasuredAsync(string silo, IReadOnlyList<MeasuredClass> classes)
    {
        _measured[silo] = classes;
        return Task.CompletedTask;
    }

    public Task<DetectorView> GetAsync()
    {
        var sums = _measured.Values.SelectMany(c => c).GroupBy(c => c.Class, StringComparer.Ordinal)
            .ToDictionary(g => g.Key, g => g.Select(QualityOf).Aggregate(DetectorQuality.None, (a, b) => a.Plus(b)), StringComparer.Ordinal);
        return Task.FromResult(new DetectorView
        {
            Devices = _members.Count,
            Silent = _silent.Count,
            Mass = Mass(null),
            Classes = [.. BeatClass.All.Select(c => ViewOf(c, sums.GetValueOrDefault(c.Name) ?? DetectorQuality.None))],
        });
    }

    private SharedCauseView? Mass(DeviceId? device) => _massSince is not null && Fleet.CauseOf([.. _members.Values], _silent, device) is { } cause
        ? new SharedCauseView { Kind = cause.Node.Kind, Name = cause.Node.Id[(cause.Node.Kind.Length + 1)..], Silent = cause.Suspects, Devices = cause.Devices, Since = _massSince ?? time.GetUtcNow() }
        : null;

    private static DetectorQuality QualityOf(MeasuredClass c) => new()
    {
        Followed = c.Followed, Mistakes = c.Mistakes, MistakenFor = c.MistakenFor, Detections = c.Detections, DetectionSeconds = c.DetectionSeconds,
    };

    private static DetectorClassView ViewOf(BeatClass c, DetectorQuality q) => new()
    {
        Class = c.Name,
        BusyPeriod = c.BusyPeriod,
        IdlePeriod = c.IdlePeriod,
        BusyDeadline = c.BusyDeadline,
        IdleDeadline = c.IdleDeadline,
        FollowedHours = q.Followed.TotalHours,
        Mistakes = q.Mistakes,
        HoursBetweenMistakes = q.MistakeRecurrence?.TotalHours,
        MistakeSeconds = q.MistakeDuration?.TotalSeconds,
        Accuracy = q.Accuracy,
        Detections = q.Detections,
        Tests = q.DetectionSeconds.Count,
        DetectionP50Seconds = q.DetectionPercentile(0.5),
        DetectionP95Seconds = q.DetectionPercentile(0.95),
        DetectionMaxSeconds = q.DetectionPercentile(1),
    };
}
