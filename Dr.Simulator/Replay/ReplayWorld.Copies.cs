using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Policies;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>The copies: how old they are when something strikes, and how long the way back takes.</summary>
internal sealed partial class ReplayWorld
{
    private readonly Dictionary<(StreamModel Class, Incident Incident), IReadOnlyDictionary<SystemId, TimeSpan>> _ages = [];

    private bool SitesSeeEachOther => _network.Reaches(Places.ProductionAppliance, Places.BackupAppliance);

    /// <summary>What the copy lacks now. While the appliances see each other and nothing writes any more, the rest arrives.</summary>
    private TimeSpan CopyAge(SimSystem system)
    {
        if (system.Incident is not { } incident || system.Stream is null)
        {
            return TimeSpan.Zero;
        }

        var since = Now - incident.Strike;
        var (age, arrivesIn) = _options.Copy == CopyPlan.Stream ? (AgeAtStrike(system, incident), (TimeSpan?)null) : LastPoint(system, incident);
        return (SitesSeeEachOther, Writes: system.Owner is { Works: true, GateOpen: true }) switch
        {
            (true, true) => age,
            (true, false) when _options.Copy == CopyPlan.Stream => age > since ? age - since : TimeSpan.Zero,
            (true, false) => arrivesIn is { } soon && since >= soon ? age - PeriodOf(system.Policy!) : age,
            (_, true) => age + since,

            // Nothing is added by an owner that does not work.
            _ => age,
        };
    }

    /// <summary>What may be lost when a damaged part is given back: any second can be opened again, or only points.</summary>
    private TimeSpan LossOfRestore(SimSystem system, Incident incident) =>
        _options.Copy == CopyPlan.Stream ? ModelTimes.CheckPeriod : TimeSinceLast(system, incident, _options.Copy == CopyPlan.Points ? system.Policy!.PointPeriod : PeriodOf(system.Policy!)) + ModelTimes.CheckPeriod;

    /// <summary>Time to send what changed since a takeover, by the class's line or by what the other one has to spare.</summary>
    private TimeSpan TransferOf(SimSystem system, TimeSpan span)
    {
        var open = _hours.Between(Now - span, Now);
        var bits = system.Stream?.BitsOf(system.Id, open, _hours.Calendar.OpenPerDay.TotalHours) ?? 0;
        return TimeSpan.FromSeconds(5 + (bits / (RateOf(system.Stream) * 1e6)));
    }

    /// <summary>Megabits per second: the class's own, or, while its line is down, what the other line has beside its classes.</summary>
    private double RateOf(StreamModel? stream)
    {
        if (stream is null || NetworkLine.Find(stream.Bandwidth.Network) is not { } line || line.Works(_network))
        {
            return stream?.Bandwidth.Mbps ?? 1;
        }

        var other = NetworkLine.All.First(l => l != line);
        var taken = _systems.Values.Select(s => s.Stream).OfType<StreamModel>().Distinct().Where(s => s.Bandwidth.Network == other.Network).Sum(s => s.Bandwidth.Mbps);
        return Math.Max(1, Math.Min(stream.Bandwidth.Mbps, other.Mbps - taken));
    }

    /// <summary>One draw for a class and a fault, whoever asks first.</summary>
    private TimeSpan AgeAtStrike(SimSystem system, Incident incident)
    {
        if (!_ages.TryGetValue((system.Stream!, incident), out var ages))
        {
            var hour = incident.Strike.ToOffset(ServiceHours.Zone).Hour;
            ages = _ages[(system.Stream!, incident)] = system.Stream!.Ages(hour, _copies.For($"{system.Stream.Volumes[0].System} {incident.Fault.Line}"));
        }

        return ages[system.Id];
    }

    /// <summary>Age of the last point that had arrived whole, and when the one after it arrives.</summary>
    private (TimeSpan Age, TimeSpan? NextArrivesIn) LastPoint(SimSystem system, Incident incident)
    {
        var period = PeriodOf(system.Policy!);
        var since = TimeSinceLast(system, incident, period);
        var open = period < _hours.Calendar.OpenPerDay ? period : _hours.Calendar.OpenPerDay;
        var transfer = TimeSpan.FromSeconds(5 + (system.Stream!.BitsOf(system.Id, open, _hours.Calendar.OpenPerDay.TotalHours) / (system.Stream.Bandwidth.Mbps * 1e6)));
        return since < transfer ? (since + period, transfer - since) : (since, null);
    }

    /// <summary>Short periods stand anywhere in their rhythm; those of a day and more ran in the night before.</summary>
    private TimeSpan TimeSinceLast(SimSystem system, Incident incident, TimeSpan period)
    {
        if (period >= TimeSpan.FromDays(1))
        {
            return incident.Strike.ToOffset(ServiceHours.Zone).TimeOfDay - PolicySchedule.NightWork.ToTimeSpan();
        }

        return period * _copies.For($"point {system.Id} {incident.Fault.Line}").Next();
    }

    /// <summary>How often something new is sent.</summary>
    private TimeSpan PeriodOf(BackupPolicy policy) => _options.Copy == CopyPlan.Points
        ? policy.PointPeriod
        : new[] { policy.Periods.Incremental, policy.Periods.Differential, policy.Periods.Application, policy.Periods.Full }.OfType<TimeSpan>().DefaultIfEmpty(TimeSpan.FromDays(1)).Min();
}
