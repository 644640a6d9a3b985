using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Simulator.World;

namespace Dr.Simulator.Replay;

/// <summary>Beats, witnesses, probes: what the control plane can know.</summary>
internal sealed partial class ReplayWorld
{
    private static readonly TimeSpan TickPeriod = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ReviewAgainAfter = TimeSpan.FromMinutes(10);

    private static readonly TimeSpan QuietAfter = TimeSpan.FromMinutes(2);

    private LocalHealth? _local;
    private bool _ticking;

    private void WatchThoseHitBy(Incident incident)
    {
        foreach (var system in _systems.Values.Where(s => s.State is not null))
        {
            if (system.Id == incident.Fault.System || incident.Breakage.Kind == BreakageKind.SiteLost || (incident.Breakage.Kind == BreakageKind.NetworkPart && Uses(system, incident.Breakage.Part!)))
            {
                var warmUp = system.Beats.BusyPeriod * WarmUpBeats;
                _scheduler.At(incident.Strike - (warmUp < WarmUp ? warmUp : WarmUp), () => Watch(system));
            }
        }
    }

    /// <summary>Would it notice if that part broke? Asked of a copy of nothing: the part is broken and repaired within the instant.</summary>
    private bool Uses(SimSystem system, string part)
    {
        var before = Share(system);
        _network.Break(part);
        var hit = Share(system) > before;
        _network.Repair(part);
        return hit;
    }

    private void Watch(SimSystem system)
    {
        if (system.Watched)
        {
            return;
        }

        system.Watched = true;
        system.Detector = null;
        _scheduler.After(_times.Phase(system.Beats.BusyPeriod), () => Beat(system));
        if (!_ticking)
        {
            _ticking = true;
            _local = LocalHealth.StartedAt(Now, TickPeriod);
            _scheduler.After(_times.Phase(TickPeriod), Tick);
        }
    }

    /// <summary>Whom the fault did not touch needs no watching: its beats would only say so all day.</summary>
    private void UnwatchTheQuiet()
    {
        foreach (var system in _systems.Values.Where(s => s.Watched && s.Unserved == 0 && s.State!.Phase == Phase.Protected && s.Repair is null))
        {
            system.Watched = false;
        }
    }

    private HourClass Hours => _hours.Between(Now, Now + TimeSpan.FromSeconds(1)) > TimeSpan.Zero ? HourClass.Busy : HourClass.Idle;

    /// <summary>The serving host's agent beats as long as its machine runs; whether the beat gets through is the network's business.</summary>
    private void Beat(SimSystem system)
    {
        if (!system.Watched)
        {
            return;
        }

        var hours = Hours;
        var period = system.Beats.Period(hours);
        var host = system.Owner.Host;
        if (_network.IsUp(host))
        {
            var beat = new Beat
            {
                Sequence = ++system.BeatSequence,
                BootId = system.BootId,
                DeviceEpoch = system.Boot,
                NextDueMs = (int)period.TotalMilliseconds,
                HourClass = hours,
                SentAt = Now,
            };
            if (_network.Reaches(host, Places.Control) && !_times.BeatIsLost())
            {
                _scheduler.After(_times.Latency(), () => Heard(system, beat));
            }
        }

        _scheduler.After(period, () => Beat(system));
    }

    private void Heard(SimSystem system, Beat beat)
    {
        Beats++;
        system.Detector = FailureDetector.Heard(system.Detector, beat, Now);
        system.SilentFrom = FailureDetector.Deadline(system.Detector, system.Beats.Alpha(beat.HourClass));
        if (LeaseClock.MayGrant(system.State!, system.State!.Owner.Site, system.State.Owner.Epoch))
        {
            system.LastLease = Now;
        }

        if (system.Owner.Works && system.State!.Phase is Phase.Suspect or Phase.Deciding && _network.Reaches(Places.Control, system.Owner.Host) && !AccessLost(system))
        {
            Apply(system, new SystemEvent.OwnerServes());
        }
    }

    /// <summary>Once a second: is somebody overdue, does a witness report trouble, has a deadline come?</summary>
    private void Tick()
    {
        _local = _local!.Tick(Now);
        var any = false;
        foreach (var system in _systems.Values)
        {
            if (!system.Watched)
            {
                continue;
            }

            any = true;
            if (system.Detector is { } detector && system.State!.Phase is Phase.Protected or Phase.FailbackReady)
            {
                // Before its deadline nobody is judged, and most are before theirs.
                var judged = Now < system.SilentFrom ? null : FailureDetector.Judge(detector, system.Beats.Alpha(detector.HourClass), _local, Now);
                if (judged is { Liveness: Liveness.Overdue } && system.Repair is null)
                {
                    Detected(system, FirstSign.Silence, $"No beat since {detector.ArrivedAt:HH:mm:ss}; φ = {judged.Phi:F1}.");
                    Apply(system, new SystemEvent.Suspected(judged.Phi, $"No beat for {(Now - detector.ArrivedAt).TotalSeconds:F1} s, φ = {judged.Phi:F1}."));
                }
                else if (judged is null or { Liveness: Liveness.Alive } && system.Unserved > 0 && system.WitnessReportAt is { } reported && Now >= reported)
                {
                    // One finding about a line is enough for a while.
                    system.WitnessReportAt = Now + ReviewAgainAfter;
                    Detected(system, FirstSign.Witnesses, "Witnesses report that they are not served.");
                    ProbeLater(system);
                }
            }

            Wake(system);
        }

        _ticking = any;
        if (_ticking)
        {
            _scheduler.After(TickPeriod, Tick);
        }
    }

    /// <summary>
    /// Witnesses report with their own beats, each in its own rhythm: a street kiosk every ten seconds, others every thirty, less often at night, after a try that had to time out.
    /// Who is cut off from us as well reports nothing.
    /// </summary>
    private DateTimeOffset? FirstWitnessReport(SimSystem system) => !_options.Witnesses ? null : system.Users
        .SelectMany(u => Places.Users[u.Group].Select(place => (Place: place, Period: (u.Group == "street kiosks" ? BeatClass.Kiosk24H : BeatClass.IndoorKiosk).Period(Hours))))
        .Where(w => !Served(system, w.Place) && _network.Reaches(w.Place, Places.Control))
        .Select(w => (DateTimeOffset?)(Now + _times.Phase(w.Period) + ModelTimes.CheckTimeout))
        .Min();

    private bool AccessLost(SimSystem system) => Share(system) > 0;

    private void Detected(SimSystem system, FirstSign by, string how)
    {
        if (system.Incident is { } incident)
        {
            incident.DetectedAt ??= Now;
            incident.DetectedBy ??= by;
            incident.Tell(Now, "detector", $"{system.Id}: {how}");
        }
    }

    /// <summary>The host's own checks see a fault that leaves the machine alive.</summary>
    private void NoticeOwnReport(SimSystem system)
    {
        var owner = system.Owner;
        if (owner.Works || !_network.IsUp(owner.Host))
        {
            return;
        }

        // What is gone refuses at once; what hangs costs the check's time-out, twice, because once may be chance.
        var delay = _times.NextCheck() + (owner.Running ? (ModelTimes.CheckTimeout + ModelTimes.CheckPeriod) : TimeSpan.Zero) + _times.Latency();
        _scheduler.After(delay, () =>
        {
            if (owner.Works || system.ReportedFailing || !_network.Reaches(owner.Host, Places.Control))
            {
                return;
            }

            system.ReportedFailing = true;
            Detected(system, FirstSign.OwnReport, "The host's checks fail.");
            Apply(system, new SystemEvent.Classified(SuspicionClassifier.Classify(Facts(system, probes: 0))));
        });
    }

    /// <summary>Once a second for five seconds; an answer ends it, and so does the finding.</summary>
    private void ProbeLater(SimSystem system, Action? then = null)
    {
        _scheduler.After(Budgets.Probing, () =>
        {
            then?.Invoke();
            if (!system.Watched)
            {
                return;
            }

            var verdict = SuspicionClassifier.Classify(Facts(system, probes: 5));
            system.Incident?.Tell(Now, "classifier", $"{system.Id}: {verdict.Scope}, {verdict.IndependentKinds} independent kinds of evidence. {string.Join(' ', verdict.Reasons)}");
            Apply(system, new SystemEvent.Classified(verdict));
        });
    }

    private SuspicionFacts Facts(SimSystem system, int probes)
    {
        var owner = system.Owner;
        var answers = _network.Reaches(Places.Control, owner.Host);
        var site = system.Home;
        var others = _systems.Values.Where(s => s.Id != system.Id && s.State is not null).Select(s => s.At[site].Host).Append(Places.ApplianceOf(site)).ToArray();
        return new SuspicionFacts
        {
            Suspect = new DeviceId(owner.Host),
            Now = Now,
            Silent = probes > 0 && !answers,
            Will = false,
            ProbesSent = probes,
            ProbesAnswered = answers ? probes : 0,
            ProbeTransactionFailed = answers && !owner.Works,
            OwnReportFailed = answers && !owner.Works,
            SiteReportsAccessLost = site == Places.BackupSite
                ? !_network.Reaches(Places.BackupAppliance, Places.Internet) || !_network.Reaches(Places.BackupAppliance, Places.Mpls)
                : !_network.Reaches(Places.ProductionAppliance, Places.Internet) || !_network.IsUp(Places.MplsAccess) || !_network.IsUp(Places.Optical) || !_network.IsUp(Places.Firewall),
            Witnesses = _options.Witnesses ? Witnesses(system) : [],
            SiteDevices = others.Length,
            SiteDevicesSilent = others.Count(host => !_network.Reaches(host, Places.Control)),
        };
    }

    /// <summary>The system's own users, asked at once. Who cannot answer says nothing.</summary>
    private WitnessReport[] Witnesses(SimSystem system) =>
    [
        .. (_options.Site is null ? system.Users.SelectMany(u => Places.Users[u.Group]) : Places.Users.Values.SelectMany(p => p)).Where(place => _network.Reaches(place, Places.Control)).Select(place =>
        {
            var instance = system.At[system.PointedAt];
            var reaches = _network.Reaches(place, instance.Host);

            // Floors and halls are the library's; for what has its home at the other site they stand outside, all behind one line.
            var (indoors, inside) = (Places.IsInside(place), Places.IsInside(place) && system.Home == Places.ProductionSite);
            var path = indoors && !inside ? Places.ProductionSite.Value : place;
            return new WitnessReport(new DeviceId(place), indoors ? Places.ProductionSite : new SiteId(place), path, inside, reaches, reaches && !instance.Works, Now);
        }),
    ];
}
