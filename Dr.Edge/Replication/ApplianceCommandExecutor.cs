using Dr.Edge.Host.Quiesce;
using Dr.Edge.Link;
using Dr.Edge.Replication.Leases;
using Dr.Edge.Replication.Mirror;
using Dr.Edge.Replication.Line.Bandwidth;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Format;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Replication;

/// <summary>
/// The control plane's commands about volumes. Each looks first at what is there: one that was interrupted by a crash and comes again finds its work done and says so.
/// </summary>
internal sealed class ApplianceCommandExecutor(VolumeSet volumes, CopyService copies, TimeProvider time, IQuiesce? quiesce) : ICommandExecutor
{
    public bool Handles(DeviceCommand command) =>
        command is CreateVolume or TakePoint or HoldPoint or ApplyVolumePolicy or AddCopy or RemoveCopy or SyncCopy or PromoteVolume or DemoteVolume or DigestVolume;

    public CommandResult? FindDone(DeviceCommand command) => command is TakePoint take && volumes.Find(take.Volume) is { } volume ? FindTaken(volume, take) : null;

    public async Task<CommandResult> ExecuteAsync(DeviceCommand command, Action<string> progress, CancellationToken cancellationToken)
    {
        var started = time.GetUtcNow();
        var answer = command switch
        {
            CreateVolume create => Create(create),
            TakePoint take => await TakePointAsync(take, cancellationToken),
            HoldPoint hold => Hold(hold),
            ApplyVolumePolicy apply => await ApplyPolicyAsync(apply, cancellationToken),
            AddCopy add => await AddCopyAsync(add, cancellationToken),
            RemoveCopy remove => await RemoveCopyAsync(remove, cancellationToken),
            SyncCopy sync => await SyncAsync(sync, progress, cancellationToken),
            PromoteVolume promote => await PromoteAsync(promote, progress, cancellationToken),
            DemoteVolume demote => await DemoteAsync(demote, cancellationToken),
            DigestVolume digest => Digest(digest),
            _ => throw new InvariantException($"a command of kind {command.GetType().Name} is not for this executor"),
        };
        return answer with { Id = command.Id, StartedAt = started, FinishedAt = time.GetUtcNow() };
    }

    private CommandResult Create(CreateVolume command)
    {
        if (volumes.Find(command.Volume) is { } there)
        {
            return there.SizeBytes == command.SizeBytes
                ? Done($"'{there.Name}' is there already.", ("volume", there.Id.Value), ("role", there.Role.ToString()))
                : Refused($"'{there.Name}' is there with {there.SizeBytes} bytes, not {command.SizeBytes}.", "Choose another name, or give the size that it has.");
        }

        var volume = volumes.Create(command.Volume, command.SizeBytes);
        if (command.Epoch > volume.Epoch)
        {
            volume.Promote(command.Epoch);
        }

        return Done($"'{volume.Name}' was created.", ("volume", volume.Id.Value), ("role", volume.Role.ToString()));
    }

    private async Task<CommandResult> TakePointAsync(TakePoint command, CancellationToken cancellationToken)
    {
        var volume = volumes.Get(command.Volume);
        if (FindTaken(volume, command) is { } taken)
        {
            return taken;
        }

        if (volume.Role != VolumeRole.Primary)
        {
            return Refused($"'{volume.Name}' is not primary here; points are taken at the primary.", null);
        }

        PointInfo point;
        if (command.Quiesce && quiesce is not null)
        {
            await using var window = await quiesce.EnterAsync(volume.Name, cancellationToken);
            point = volume.CreatePoint(command.Label, window, mark => Reason(command, mark));
        }
        else
        {
            point = volume.CreatePoint(command.Label, PointConsistency.Crash, Reason(command, command.Quiesce ? "no host role on this machine to quiesce the system" : null));
        }

        return Taken(volume, command, point);
    }

    /// <summary>What this command took before the process ended without a note of it; null when nothing is there.</summary>
    private static CommandResult? FindTaken(Volume volume, TakePoint command) => OrderedPoint.Of(volume.Points, command.Id) is { } point ? Taken(volume, command, point) : null;

    private static CommandResult Taken(Volume volume, TakePoint command, PointInfo point)
    {
        (string, string)[] evidence = [("point", point.Id.Value), ("sequence", point.Sequence.ToString()), ("consistency", point.Consistency.ToString())];
        return Done(
            $"Point {point.Id} was taken.",
            [.. evidence, .. OrderedPoint.Rest(point.Reason, command.Id) is { } reason ? [("reason", reason)] : Array.Empty<(string, string)>(), .. ChangedSince(volume, command.Base, point)]);
    }

    /// <summary>A point that nobody asked for by hand is one of the automatic ones, whatever quiesced it.</summary>
    private static string Reason(TakePoint command, string? mark)
    {
        var ordered = OrderedPoint.Reason(command.Id, mark);
        return command.Purpose is { } purpose ? $"{PointKinds.AutomaticReason}: {purpose}: {ordered}" : ordered;
    }

    private static (string, string)[] ChangedSince(Volume volume, PointId? since, PointInfo point)
    {
        if (since is null || volume.Points.FirstOrDefault(p => p.Id == since) is not { } first)
        {
            return [];
        }

        var blocks = volume.ReadChanges(first.Sequence.Value, point.Sequence.Value).ToRanges().Sum(r => r.Count);
        return [("base", first.Id.Value), ("changedBytes", (blocks << StoreLimits.BlockShift).ToString(CultureInfo.InvariantCulture))];
    }

    private CommandResult Hold(HoldPoint command)
    {
        var volume = volumes.Get(command.Volume);
        if (command.Reason is not { } reason)
        {
            return Done(volume.ReleasePoint(command.Point) ? $"Point {command.Point} is let go." : $"Point {command.Point} was not held.");
        }

        if (volume.Points.All(p => p.Id != command.Point))
        {
            return Refused($"'{volume.Name}' has no point {command.Point} here.", "See 'dr-edge point list'.");
        }

        volume.HoldPoint(command.Point, reason);
        return Done($"Point {command.Point} is held.");
    }

    private async Task<CommandResult> ApplyPolicyAsync(ApplyVolumePolicy command, CancellationToken cancellationToken)
    {
        var volume = volumes.Get(command.Volume);
        if (command.Bandwidth is { } wanted)
        {
            var line = new BandwidthClass { Name = wanted.Name, Mbps = wanted.Mbps, Shared = wanted.Shared };
            if (copies.Bandwidth.Get(line.Name) != line)
            {
                copies.Bandwidth.Set(line);
            }
        }

        var own = volume.OwnPolicy ?? new VolumePolicy();
        var policy = own with
        {
            PointsEvery = command.PointsEvery ?? own.PointsEvery,
            Keep = command.Retention.Keep is { } keep && own.Keep?.SequenceEqual(keep) != true ? keep : own.Keep,
            KeepManual = command.Retention.KeepManual ?? own.KeepManual,
            FineWindow = command.Retention.FineWindow ?? own.FineWindow,
            WhenFull = command.Retention.HistoryGivesWay is { } gives ? gives ? FullPolicy.HistoryGivesWay : FullPolicy.RefuseWrites : own.WhenFull,
        };
        PolicyRules.Check(policy);
        if (policy != own)
        {
            volume.SetPolicy(policy);
        }

        if (command.Peer is { } peer && volume.Role == VolumeRole.Primary && copies.Of(volume).Any(c => c.Settings.Peer == peer))
        {
            await copies.SetAsync(volume, peer, s => s with { Mode = command.Mode ?? s.Mode, BandwidthClass = command.Bandwidth?.Name ?? s.BandwidthClass }, cancellationToken);
        }

        return Done($"'{volume.Name}' keeps to its policy.", ("policy", PolicyChange.Sentence(volume.OwnPolicy, volume.Policy)));
    }

    private async Task<CommandResult> AddCopyAsync(AddCopy command, CancellationToken cancellationToken)
    {
        var volume = volumes.Get(command.Volume);
        var added = await copies.AddAsync(
            volume,
            command.Peer,
            settings => settings with { Mode = command.Mode, BandwidthMbps = command.BandwidthMbps, BandwidthClass = command.BandwidthClass ?? settings.BandwidthClass },
            cancellationToken);
        if (volume.Epoch > Epoch.First)
        {
            added.ComeHomeFirst(); // The volume has moved: this is the way back.
        }

        return Done($"'{command.Volume}' is copied to {command.Peer}.");
    }

    private async Task<CommandResult> RemoveCopyAsync(RemoveCopy command, CancellationToken cancellationToken)
    {
        var there = await copies.RemoveAsync(volumes.Get(command.Volume), command.Peer, cancellationToken);
        return Done(there ? $"'{command.Volume}' is no longer copied to {command.Peer}." : $"'{command.Volume}' was not copied to {command.Peer}.");
    }

    private async Task<CommandResult> SyncAsync(SyncCopy command, Action<string> progress, CancellationToken cancellationToken)
    {
        var volume = volumes.Get(command.Volume);
        var waiting = copies.SyncAsync(volume, command.Peer, first: true, cancellationToken);
        while (!waiting.IsCompleted)
        {
            await Task.WhenAny(waiting, Task.Delay(TimeSpan.FromSeconds(2), time, cancellationToken));
            if (!waiting.IsCompleted && copies.Of(volume).FirstOrDefault(c => c.Settings.Peer == command.Peer)?.ToStatus() is { } status)
            {
                progress($"{status.State}, {status.LagBytes} bytes behind");
            }
        }

        var sequence = await waiting;
        return Done($"{command.Peer} holds everything up to {sequence}.", ("sequence", sequence.ToString()));
    }

    private async Task<CommandResult> PromoteAsync(PromoteVolume command, Action<string> progress, CancellationToken cancellationToken)
    {
        var volume = volumes.Get(command.Volume);
        while (true)
        {
            try
            {
                return Promote(volume, command);
            }
            catch (DrException promised) when (promised.IsTransient && Vow.Left(volume, time) is { Ticks: > 0 } left)
            {
                // It ends by itself, and the old primary stops before: waiting is all there is to do, and nobody has to give the order again.
                progress(promised.Message);
                await Task.Delay(left < TimeSpan.FromSeconds(1) ? left : TimeSpan.FromSeconds(1), time, cancellationToken);
            }
        }
    }

    private CommandResult Promote(Volume volume, PromoteVolume command)
    {

        // As the copy was before it became the truth; afterwards a primary is always current.
        var currentAsOf = volume.Role == VolumeRole.Primary ? null : volume.CurrentAsOf;
        var sent = time.GetTimestamp();
        if (command.LeaseTtl is not null)
        {
            volume.Gate.RequireLease();
        }

        var mirror = Promotion.Run(volume, command.Epoch, onlyIfWhole: false, time);
        if (command.LeaseTtl is { } ttl)
        {
            volume.Gate.ExtendLease(LeaseKeeper.Deadline(sent, ttl, time));
        }

        (string, string)[] evidence =
        [
            ("generation", volume.Generations[^1].Generation.Value), ("sequence", volume.Appended.ToString()),
            .. mirror is not null ? [("mirror", mirror)] : Array.Empty<(string, string)>(),
            .. currentAsOf is { } at ? [("currentAsOf", at.ToString("O", CultureInfo.InvariantCulture))] : Array.Empty<(string, string)>(),
        ];
        return Done($"'{volume.Name}' is primary at epoch {volume.Epoch}.", evidence);
    }

    private async Task<CommandResult> DemoteAsync(DemoteVolume command, CancellationToken cancellationToken)
    {
        var volume = volumes.Get(command.Volume);
        var (point, holders) = await copies.DemoteAsync(volume, command.Epoch, cancellationToken);
        return Done(
            $"'{volume.Name}' takes no more writes; its last point is {point.Id}.",
            ("sequence", point.Sequence.ToString()),
            ("generation", volume.Generations[^1].Generation.Value),
            ("point", point.Id.Value),
            ("holders", string.Join(',', holders)),
            ("digest", Convert.ToHexStringLower(volume.ContentDigest(point.Id))));
    }

    private CommandResult Digest(DigestVolume command)
    {
        var volume = volumes.Get(command.Volume);
        if (volume.Points.FirstOrDefault(p => p.Id == command.Point) is not { } point)
        {
            return Refused($"'{volume.Name}' has no point {command.Point} here.", "See 'dr-edge point list'.");
        }

        return Done(
            $"Digest of point {point.Id}.",
            ("digest", Convert.ToHexStringLower(volume.ContentDigest(point.Id))), ("point", point.Id.Value), ("sequence", point.Sequence.ToString()));
    }

    private static CommandResult Done(string detail, params (string Name, string Value)[] evidence) => new()
    {
        Id = default,
        Outcome = CommandOutcome.Done,
        Detail = detail,
        Evidence = evidence.ToDictionary(e => e.Name, e => e.Value),
    };

    private static CommandResult Refused(string detail, string? hint) => new() { Id = default, Outcome = CommandOutcome.Refused, Detail = detail, Hint = hint };
}
