using Dr.Contracts.Grains;
using Dr.Silo.Decisions.Detection;
using Dr.Silo.Decisions.Failover;
using Dr.Simulator.World;

namespace Dr.Simulator.Years;

/// <content>What the control plane hears, and its looks.</content>
internal sealed partial class YearWorld
{
    /// <summary>Beats that are worked out after quiet time: enough for the detector to know the device's habits again.</summary>
    private const int BeatsAfterQuiet = 3;

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan WitnessPeriod = TimeSpan.FromSeconds(20);
    private static readonly DeviceId[] KioskIds = [.. Enumerable.Range(1, Kiosks).Select(n => new DeviceId($"kiosk-{n}"))];
    private static readonly SiteId[] KioskSites = [.. Enumerable.Range(1, Kiosks).Select(n => new SiteId($"street-{n}"))];
    private static readonly DeviceId[] DeskIds = [new("production-desk"), new("backup-desk")];
    private static readonly VolumeId SomeVolume = VolumeId.Create("00000000000000000000000000000001");

    private static BeatClass ClassOf(int ear) => ear < 2 ? BeatClass.Host : BeatClass.Appliance;

    private static DeviceId? DeviceOf(YearMember member, int ear) => ear < 2 ? member.System.HostAt(ear) : member.System.ApplianceAt(ear - 2);

    /// <summary>Beats since the last time.</summary>
    private void Hear(YearMember member)
    {
        HearWitnesses(member, asked: false);
        for (var n = 0; n < 4; n++)
        {
            if (DeviceOf(member, n) is { } device)
            {
                HearDevice(member, member.Ears[n], n, device);
            }
        }
    }

    private void HearDevice(YearMember member, YearEar ear, int n, DeviceId device)
    {
        var (node, beats) = (member.Nodes[n % 2], ClassOf(n));
        var site = _sites[node.Site];
        var (sends, hours) = (n < 2 ? site.Down == 0 && node.HostWorks : site.ApplianceWorks, Hours(Now));
        var period = beats.Period(hours);
        var count = (Now - ear.Slot).Ticks / period.Ticks;
        if (count <= 0)
        {
            return;
        }

        var first = count > BeatsAfterQuiet ? Slot(Now, period) - (period * (BeatsAfterQuiet - 1)) : ear.Slot + period;
        ear.Slot = Slot(Now, period);
        if (!sends)
        {
            return;
        }

        var reaches = ControlReaches(node.Site);
        DateTimeOffset? heard = null;
        var boot = n < 2 ? node.Boot : 1;
        if (ear.Boot != boot)
        {
            (ear.Boot, ear.BootId, ear.Sequence) = (boot, $"{device}-{boot}", 0);
        }

        for (var slot = first; slot <= ear.Slot; slot += period)
        {
            ear.Sequence++;
            if (!reaches || _chance.Hits(_badMessages > 0 ? 0.15 : ModelTimes.BeatLoss))
            {
                continue;
            }

            var late = _badMessages > 0 && _chance.Hits(0.1) ? TimeSpan.FromSeconds(3 * _chance.Next()) : TimeSpan.Zero;
            ear.Detector = FailureDetector.Heard(ear.Detector, ear.BootId, ear.Sequence, (int)period.TotalMilliseconds, hours, slot + site.ClockAhead,
                slot + TimeSpan.FromMilliseconds(5 + (30 * _chance.Next())) + late);
            heard = slot;
        }

        if (heard is { } at)
        {
            Report(member, node, n, device, at);
        }
    }

    /// <summary>The last beat's report, as things stood when it was sent.</summary>
    private void Report(YearMember member, YearNode node, int ear, DeviceId device, DateTimeOffset at)
    {
        var seen = member.Watch.Seen;
        if (seen.IsAlive(device) != true)
        {
            seen.Hear(new PresenceChange { Device = device, Site = _sites[node.Site].Id, Alive = true, LastHeard = at, Reason = "It is heard." });
        }

        Advance(member, at);
        if (ear < 2)
        {
            node.Seen = member.State.Owner.Epoch > node.Seen ? member.State.Owner.Epoch : node.Seen;
            var state = Works(member, node) || (!member.System.HasVolume && node is { Running: true, Hung: false, DataDamaged: false, StorageLost: 0 }) ? HealthState.Running : node.Running ? HealthState.Failed : HealthState.Stopped;
            seen.Hear(device, new SystemHealth { System = member.System.Settings.Id, State = state, EpochSeen = node.Seen }, at);
        }
        else
        {
            // The configuration that is pushed carries the epoch.
            node.Volume.See(member.State.Owner.Epoch);
            var status = StatusOf(member, node, at);
            seen.Hear(device, status, at);
            StoreMirrors(member, node, status);
        }
    }

    private void StoreMirrors(YearMember member, YearNode node, VolumeStatus status)
    {
        if (!member.System.Sync)
        {
            return;
        }

        foreach (var word in MirrorWord.Of(status))
        {
            if (_ledgerAway == 0 && (!member.StoredMirrors.TryGetValue(word.Peer, out var known) || _core.IsAtLeast(word, known)))
            {
                member.StoredMirrors[word.Peer] = word;
            }

            node.Volume.MirrorNoted |= member.StoredMirrors.TryGetValue(word.Peer, out var stored) && stored.Epoch == word.Epoch && stored.Record == word.Record;
        }
    }

    private VolumeStatus StatusOf(YearMember member, YearNode node, DateTimeOffset at)
    {
        var volume = node.Volume;
        return new VolumeStatus
        {
            Volume = SomeVolume,
            Name = member.System.Name,
            SizeBytes = 1,
            Role = volume.Role,
            Epoch = volume.IsPrimary ? volume.Own : volume.Seen,
            Generation = default,
            Appended = new SequenceNumber(volume.Sequence),
            Durable = new SequenceNumber(volume.Sequence),
            Writable = volume.IsPrimary && volume.LeaseUntil > at,
            CurrentAsOf = volume.IsPrimary ? at : volume.AsOf,
            Fault = _sites[node.Site].DiskFull > 0 ? "the disk is full" : null,
            Copies = volume.IsPrimary && member.Copying is { } c && c.Site == node.Site
                ? [new CopyStatus { Peer = member.System.Settings.At(YearSystem.SiteOf(1 - node.Site)).Replication!, Mode = member.System.Settings.CopyMode, State = StateOfCopy(member, node, at), Mirror = volume.Mirror, MirrorRecord = volume.MirrorRecord }]
                : [],
        };
    }

    private void Judge(YearMember member)
    {
        var local = LocalHealth.StartedAt(Now, TimeSpan.FromMilliseconds(500)) with { TrustedSince = _brokerAway > 0 ? Now : _trustedSince };
        for (var n = 0; n < 4; n++)
        {
            if (DeviceOf(member, n) is not { } device)
            {
                continue;
            }

            var (detector, alive) = (member.Ears[n].Detector, member.Watch.Seen.IsAlive(device));
            var overdue = detector is null
                ? alive is null && Now > FirstHearing.LimitAt(ClassOf(n), null, _activatedAt, _activatedAt, local.TrustedSince)
                : alive != false && Now - detector.ArrivedAt >= ClassOf(n).Alpha(detector.HourClass) && _core.Judge(detector, ClassOf(n).Alpha(detector.HourClass), local, Now).Liveness == Liveness.Overdue;
            if (overdue)
            {
                member.Watch.Seen.Hear(new PresenceChange { Device = device, Site = _sites[n % 2].Id, Alive = false, LastHeard = detector?.ArrivedAt ?? _activatedAt, Phi = 8, Reason = "It is silent." });
                Tell(member, $"{device} is silent");
            }
        }
    }

    /// <summary>
    /// Kiosks on the street and desks inside the sites say whether they are served where users are sent to, each in its own rhythm, and all at once when they are asked. Who is cut off from us as well says
    /// nothing.
    /// </summary>
    private void HearWitnesses(YearMember member, bool asked)
    {
        if (!SiloUp || _brokerAway > 0)
        {
            return;
        }

        var pointed = member.Nodes[member.PointedAt];
        var site = _sites[pointed.Site];
        var host = site.Down == 0 && pointed.HostWorks && (pointed.Running || pointed.Hung);
        var fails = host && !member.System.DoorOnly && !Works(member, pointed);
        for (var n = 0; n < Kiosks + 2; n++)
        {
            var at = Now;
            if (!asked)
            {
                if (Now - member.WitnessSlots[n] < WitnessPeriod)
                {
                    continue;
                }

                at = Slot(Now - (WitnessPeriod * n / (Kiosks + 2)), WitnessPeriod) + (WitnessPeriod * n / (Kiosks + 2));
                if (at <= member.WitnessSlots[n])
                {
                    continue;
                }

                member.WitnessSlots[n] = at;
            }

            var desk = n - Kiosks;
            if (desk < 0 && (_kiosksCut == 0 || n == Kiosks - 1))
            {
                var reaches = host && site.AccessCut == 0;
                var lies = _kiosksLie > 0 && n < 2;
                Say(KioskIds[n], KioskSites[n], lies ? !reaches : reaches, !lies && reaches && fails, at);
            }
            else if (desk >= 0 && ControlReaches(desk))
            {
                // A desk reaches its own site always, and the other one by the line between the sites.
                var reaches = host && (desk == pointed.Site || (_copyLineCut == 0 && _sites[desk].AccessCut == 0 && site.AccessCut == 0));
                Say(DeskIds[desk], _sites[desk].Id, reaches, reaches && fails, at);
                member.Watch.Seen.HearOutside(DeskIds[desk], _sites[desk].Id, _sites[desk].AccessCut == 0, at);
            }
        }

        void Say(DeviceId who, SiteId from, bool reachable, bool failed, DateTimeOffset at) =>
            member.Watch.Seen.Hear(who, from, member.State, new ReachReport { Target = "system", Reachable = reachable, TransactionFailed = failed, At = at }, at);
    }

    private void Look(YearMember member)
    {
        if (!SiloUp)
        {
            return;
        }

        WorkOut(member);
        Judge(member);
        if (_ledgerAway > 0)
        {
            // Nothing can be stored, so nothing is decided.
            LookAt(member, Now + LookEvery);
            return;
        }

        if (!member.Watch.StoredMirrorsHeard)
        {
            member.Watch.Seen.Hear(member.StoredMirrors.Values);
            member.Watch.StoredMirrorsHeard = true;
        }

        if (member.ServedEpoch != member.State.Owner.Epoch && member.Watch.HearsServing(member.System.Settings, member.State))
        {
            member.ServedEpoch = member.State.Owner.Epoch;
        }

        foreach (var seen in member.Watch.Observe(member.System.Settings, member.State, member.ServedEpoch, Now))
        {
            member.Inbox.Enqueue(seen);
        }

        Pump(member);
        Probe(member);
        Resend(member);
        AskPeople(member);
        CheckBudget(member);
        if (SiloUp)
        {
            Plan(member);
        }
    }

    /// <summary>When to look again: soon while something goes on, seldom while somebody is waited for, not at all while all is well.</summary>
    private void Plan(YearMember member)
    {
        var state = member.State;
        var phase = state.Phase;
        var busy = Now < member.AwakeUntil || member.Watch.Probe is not null || member.Outbox.Count > 0 || member.Effects.Count > 0
            || phase is Phase.Suspect or Phase.Fencing or Phase.Promoting or Phase.Starting or Phase.Repointing or Phase.Verifying or Phase.Draining or Phase.FinalSync or Phase.SwitchingBack;
        if (busy)
        {
            LookAt(member, Now + LookEvery);
            return;
        }

        var atRest = phase is Phase.Protected or Phase.FailbackReady && member.ServesSince is not null && member.Watch.Seen.IsAlive(member.System.HostAt(0)) == true && member.Watch.Seen.IsAlive(member.System.HostAt(1)) == true;
        var next = atRest ? state.WakeAt : Earlier(state.WakeAt, Now + (phase == Phase.Deciding ? TimeSpan.FromSeconds(10) : TimeSpan.FromSeconds(90)));
        if (next is { } at && at < Start + TimeSpan.FromDays(400))
        {
            LookAt(member, at < Now + LookEvery ? Now + LookEvery : at);
        }
    }

    private static DateTimeOffset? Earlier(DateTimeOffset? left, DateTimeOffset right) => left is { } l && l < right ? l : right;

    private void Probe(YearMember member)
    {
        if (!SiloUp || member.Watch.RoundFor(member.State) is not { } probe)
        {
            return;
        }

        var owner = member.Owner;
        if (Now < probe.Until)
        {
            probe.Sent++;
            foreach (var suspect in probe.Suspects)
            {
                var answers = suspect == member.System.HostAt(owner.Site) ? ReachesHost(owner) : ReachesAppliance(owner.Site);
                if (answers && !(_badMessages > 0 && _chance.Hits(0.3)))
                {
                    probe.Hear(suspect);
                }
            }

            if (probe.WitnessesAreDue(member.Watch.GateShutAt(member.System.Settings, member.State), Now))
            {
                probe.WitnessesAskedAt = Now;
                HearWitnesses(member, asked: true);
            }

            return;
        }

        var (site, silent) = SiteViewOf(owner);
        var host = member.System.Settings.At(member.State.Owner.Site).Host;
        var facts = member.Watch.Facts(member.System.Settings, member.State, probe.Sent, probe.Answered, site, Now) with
        {
            ObserverTroubled = (_brokerAway > 0 ? Now : _trustedSince) > probe.StartedAt,
            Shared = Cause(silent, host),
        };
        var verdict = member.Watch.Classify(facts);
        Tell(member, $"finding: {verdict}");
        member.Watch.EndProbing(facts.ObserverTroubled, facts.GateShutAt, Now);
        Apply(member, new SystemEvent.Classified(verdict));
        Pump(member);
    }

    private (SiteView View, HashSet<DeviceId> Silent) SiteViewOf(YearNode owner)
    {
        List<DeviceId> members = [];
        HashSet<DeviceId> silent = [];
        void Add(DeviceId device, int site, DateTimeOffset? since, double seconds)
        {
            if (site == owner.Site)
            {
                members.Add(device);
            }

            if (since is { } at && (Now - at).TotalSeconds > seconds)
            {
                silent.Add(device);
            }
        }

        foreach (var member in _members)
        {
            foreach (var node in member.Nodes)
            {
                Add(member.System.HostAt(node.Site), node.Site, node.SilentSince, 6);
            }
        }

        for (var site = 0; site < 2; site++)
        {
            Add(_members[0].System.ApplianceAt(site)!.Value, site, _sites[site].ApplianceSilentSince, 30);
            Add(DeskIds[site], site, ControlReaches(site) ? null : _sites[site].ApplianceSilentSince, 30);
        }

        return (new SiteView { Id = _sites[owner.Site].Id, Members = members, Silent = [.. members.Where(silent.Contains)] }, silent);
    }

    private SharedCauseView? Cause(HashSet<DeviceId> silent, DeviceId suspect)
    {
        FleetMember Of(DeviceId device, SiteId site) => new() { Device = device, Site = site };
        FleetMember[] fleet =
        [
            .. _members.SelectMany(m => m.Nodes.Select(n => Of(m.System.HostAt(n.Site), _sites[n.Site].Id))),
            .. _sites.Select((s, n) => Of(_members[0].System.ApplianceAt(n)!.Value, s.Id)),
            .. _sites.Select((s, n) => Of(DeskIds[n], s.Id)),
            .. KioskIds.Select((k, n) => Of(k, KioskSites[n])),
        ];
        return Fleet.CauseOf(fleet, silent, suspect) is { } cause
            ? new SharedCauseView { Kind = cause.Node.Kind, Name = cause.Node.Id, Silent = cause.Suspects, Devices = cause.Devices, Since = Now }
            : null;
    }
}
