using Dr.Contracts.Policy;
using Dr.Silo.Decisions.Backups;
using Dr.Silo.Decisions.Policies;

namespace Dr.Silo.Grains;

/// <summary>The volume's policy: pushed to the appliances until each has confirmed it, and its backups brought about. Persist, then send.</summary>
internal sealed partial class VolumeGrain
{
    private static readonly TimeSpan PushDeadline = TimeSpan.FromSeconds(30);

    /// <summary>A push that failed is tried again after this; what is wrong is shown meanwhile.</summary>
    private static readonly TimeSpan PushAgainAfter = TimeSpan.FromSeconds(60);

    private readonly Dictionary<DeviceId, (CommandId Id, string Key, DateTimeOffset At)> _pushes = [];
    private readonly Dictionary<DeviceId, string> _pushProblems = [];
    private readonly HashSet<CommandId> _ordered = [];
    private readonly HashSet<DeviceId> _kept = [];

    /// <summary>The appliance takes the points by itself, as the policy asks: also while the control plane is away.</summary>
    private bool AppliancePoints(VolumeSettings settings, DeviceId owner) => settings.Policy is not null && store.State.Pushed.ContainsKey(owner);

    private bool IsHeard(DeviceId appliance, DateTimeOffset now) => _copies.TryGetValue(appliance, out var copy) && now - copy.ReportedAt < PointDeadline;

    /// <summary>The owner's report, if it is fresh and says that it is the owner.</summary>
    private VolumeStatus? OwnerStatus(VolumeSettings settings, DeviceId owner, DateTimeOffset now) =>
        IsHeard(owner, now) && _copies[owner].Status is { Role: VolumeRole.Primary } status && (settings.IsApplication || status.Epoch == store.State.Epoch) ? status : null;

    private async Task KeepPolicyAsync(DateTimeOffset now)
    {
        if (store.State is not { Settings: { Policy: { } policy } settings, Owner: { } owner } || OwnerStatus(settings, owner, now) is not { } status)
        {
            return;
        }

        var other = settings.Copies.FirstOrDefault(c => c.Appliance != owner);
        var link = other is null ? null : status.Copies.FirstOrDefault(c => c.Peer == other.Replication);
        await PushAsync(settings, owner, link, now);
        var facts = new BackupFacts(
            Name, policy, settings.Calendar ?? OpeningCalendar.Default, owner, store.State.Epoch, link?.Peer, other?.Appliance,
            link is { State: CopyState.Current or CopyState.CatchingUp } && other is not null && IsHeard(other.Appliance, now), status.NewestPoint?.Id);
        var (backups, orders) = BackupMachine.Step(store.State.Backups, facts, now);
        if (backups != store.State.Backups)
        {
            await SaveAsync(store.State with { Backups = backups });
        }

        // Also those whose sending failed the last time: the device knows each by its id.
        foreach (var order in orders.Concat(backups.Live.Where(j => j.Pending is not null && !_ordered.Contains(j.Pending.Value)).Select(j => BackupMachine.Again(backups, j))))
        {
            await GrainFactory.GetGrain<IDeviceGrain>(order.Device.Value).SendAsync(CommandOf(order, settings, policy, now));
            _ordered.Add(order.Id);
        }

        _ordered.IntersectWith(backups.Live.Select(j => j.Pending).OfType<CommandId>());
    }

    private DeviceCommand CommandOf(BackupOrder order, VolumeSettings settings, BackupPolicy policy, DateTimeOffset now)
    {
        DeviceCommand command = order.Step switch
        {
            BackupStep.Point => new TakePoint
            {
                Id = order.Id, IssuedAt = now, Deadline = order.Deadline, Volume = Name, Quiesce = policy.Quiesce != QuiesceMode.None, Purpose = order.Job.Kind.ToString().ToLowerInvariant(), Base = order.Job.Base,
            },
            BackupStep.Hold or BackupStep.HoldThere => new HoldPoint { Id = order.Id, IssuedAt = now, Deadline = order.Deadline, Volume = Name, Point = order.Point!.Value, Reason = "the last full image, by policy" },
            BackupStep.Release or BackupStep.ReleaseThere => new HoldPoint { Id = order.Id, IssuedAt = now, Deadline = order.Deadline, Volume = Name, Point = order.Point!.Value },
            BackupStep.Sync => new SyncCopy { Id = order.Id, IssuedAt = now, Deadline = order.Deadline, Volume = Name, Peer = order.Job.Peer! },
            BackupStep.DigestHere or BackupStep.DigestThere => new DigestVolume { Id = order.Id, IssuedAt = now, Deadline = order.Deadline, Volume = Name, Point = order.Point!.Value },
            _ => throw new InvariantException($"backup step {order.Step} has no command"),
        };
        return command with { System = settings.System, Epoch = store.State.Epoch, Step = ScheduleStep };
    }

    private async Task PushAsync(VolumeSettings settings, DeviceId owner, CopyStatus? link, DateTimeOffset now)
    {
        foreach (var push in PolicyPush.Of(settings, owner, link is not null))
        {
            var confirmed = store.State.Pushed.GetValueOrDefault(push.Appliance) == push.Key;
            var strayed = Strayed(push, link);
            if ((confirmed && strayed is null) || !IsHeard(push.Appliance, now))
            {
                if (confirmed)
                {
                    _kept.Add(push.Appliance);
                }

                continue;
            }

            if (!confirmed)
            {
                // What is asked for anew has to be seen in order first: the report of before comes after the confirmation as well.
                _kept.Remove(push.Appliance);
            }

            // What was in order and is not any more was changed by hand: that is put right at once, and once. What never comes right is asked for now and then.
            var isNews = confirmed && _kept.Remove(push.Appliance);
            if (!isNews && _pushes.TryGetValue(push.Appliance, out var sent) && now - sent.At < PushAgainAfter && (sent.Key == push.Key || now - sent.At < TimeSpan.FromSeconds(2)))
            {
                continue;
            }

            if (isNews)
            {
                LogStrayed(Name, push.Appliance, strayed!);
                await events.AppendAsync(
                    [
                        (null, new EventRecord
                        {
                            At = now,
                            Kind = "volume.policy",
                            Subject = Name,
                            Severity = Severity.Warning,
                            Text = $"{push.Appliance} no longer keeps to the policy of {Name} and is told it again: {strayed}.",
                            Data = new Dictionary<string, string> { ["appliance"] = push.Appliance.Value },
                        }),
                    ],
                    CancellationToken.None);
            }

            var id = new CommandId($"{Name}.policy.{settings.PolicyVersion}.{push.Key}.{now.ToUnixTimeMilliseconds()}");
            _pushes[push.Appliance] = (id, push.Key, now);
            await GrainFactory.GetGrain<IDeviceGrain>(push.Appliance.Value).SendAsync(new ApplyVolumePolicy
            {
                Id = id,
                IssuedAt = now,
                Deadline = now + PushDeadline,
                System = settings.System,
                Epoch = store.State.Epoch,
                Step = ScheduleStep,
                Volume = Name,
                PointsEvery = push.PointsEvery,
                Retention = push.Retention,
                Bandwidth = push.Bandwidth,
                Peer = push.Peer,
                Mode = push.Mode,
            });
        }
    }

    /// <summary>What of a confirmed policy is not in force any more, in words; null when all is as it should be, or nobody says.</summary>
    private string? Strayed(PolicyPush push, CopyStatus? link)
    {
        if (push.Peer is not null && link is not null && (link.BandwidthClass != push.Bandwidth?.Name || link.Mode != push.Mode))
        {
            return $"its copy is {link.Mode} in class {link.BandwidthClass ?? "none"}, the policy says {push.Mode} in class {push.Bandwidth?.Name ?? "none"}";
        }

        return _copies.TryGetValue(push.Appliance, out var copy) && copy.Status.Policy is { } reported && store.State.Confirmed.GetValueOrDefault(push.Appliance) is { Length: > 0 } confirmed && reported != confirmed
            ? $"it keeps '{reported}', and confirmed '{confirmed}'"
            : null;
    }

    private async Task HearPolicyAsync(DeviceId appliance, DeviceCommand command, CommandResult result)
    {
        if (command is ApplyVolumePolicy && _pushes.TryGetValue(appliance, out var push) && push.Id == result.Id)
        {
            if (result.Outcome == CommandOutcome.Done)
            {
                _pushProblems.Remove(appliance);
                await SaveAsync(store.State with
                {
                    Pushed = new Dictionary<DeviceId, string>(store.State.Pushed) { [appliance] = push.Key },
                    Confirmed = new Dictionary<DeviceId, string>(store.State.Confirmed) { [appliance] = result.Evidence.GetValueOrDefault("policy") ?? "" },
                });
                LogPushed(Name, appliance, result.Evidence.GetValueOrDefault("policy") ?? "");
            }
            else
            {
                _pushProblems[appliance] = result.Detail ?? result.Outcome.ToString();
                LogNotPushed(Name, appliance, _pushProblems[appliance]);
            }

            return;
        }

        var before = store.State.Backups;
        var after = BackupMachine.Heard(before, result, store.State.Settings?.Policy?.Quiesce ?? QuiesceMode.Host, time.GetUtcNow());
        if (after != before)
        {
            await SaveAsync(store.State with { Backups = after });
            foreach (var record in after.Records.Except(before.Records))
            {
                LogBackup(Name, record.Kind, record.Point, record.Peer ?? "no other copy", record.Digest ?? "-");
            }

            foreach (var (kind, trouble) in after.Troubles.Where(t => before.Troubles.GetValueOrDefault(t.Key) != t.Value))
            {
                LogBackupFailed(Name, kind, trouble.Reason, trouble.AgainAt);
            }
        }
    }

    private List<BackupView> BackupViews(VolumeSettings settings)
    {
        if (settings.Policy is not { } policy)
        {
            return [];
        }

        var (now, backups, calendar) = (time.GetUtcNow(), store.State.Backups, settings.Calendar ?? OpeningCalendar.Default);
        return
        [
            .. new (BackupKind Kind, TimeSpan? Every)[]
            {
                (BackupKind.Full, policy.Periods.Full), (BackupKind.Incremental, policy.Periods.Incremental),
                (BackupKind.Differential, policy.Periods.Differential), (BackupKind.Application, policy.Periods.Application),
            }
            .Where(k => k.Every is not null || backups.Records.Any(r => r.Kind == k.Kind))
            .Select(k => new BackupView
            {
                Volume = Name,
                Kind = k.Kind,
                Every = k.Every,
                Last = backups.Records.LastOrDefault(r => BackupMachine.CoveredBy(r.Kind).Contains(k.Kind)),
                NextAt = BackupMachine.NextAt(backups, policy, calendar, k.Kind, now),
                Step = backups.Live.FirstOrDefault(j => j.Kind == k.Kind) is { } job ? BackupMachine.Words(job) : null,
                Problem = backups.Troubles.GetValueOrDefault(k.Kind)?.Reason,
            }),
        ];
    }

    private List<string> PolicyProblems(VolumeSettings settings)
    {
        if (settings.Policy is null)
        {
            return [];
        }

        var waiting = store.State.Owner is { } owner
            ? PolicyPush.Of(settings, owner, copyIsThere: false).Where(p => !store.State.Pushed.ContainsKey(p.Appliance) && !_pushProblems.ContainsKey(p.Appliance)).Select(p => $"{p.Appliance} has not confirmed the policy yet")
            : ["no appliance is known to own the volume"];
        return [.. _pushProblems.Select(p => $"{p.Key}: {p.Value}"), .. waiting];
    }
}
