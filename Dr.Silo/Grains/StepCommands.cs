using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Grains;

/// <summary>Turns a step into the command of the device that carries it out, and the device's result into the machine's event. Pure.</summary>
public static class StepCommands
{
    /// <summary>The device and its command; null with the reason when there is nobody who could.</summary>
    public static (DeviceId? Device, DeviceCommand? Command, string? Reason) For(SystemEffect.RunStep step, SystemSettings settings, PointId? finalPoint, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(settings);
        var site = settings.At(step.Key.Target);
        if (step.Executor == ExecutorKind.Host)
        {
            return step.Key.Step switch
            {
                StepKind.StartSystem => Host(new StartSystem { Id = step.CommandId, IssuedAt = now, Deadline = step.Deadline }),
                StepKind.StopSystem => Host(new StopSystem { Id = step.CommandId, IssuedAt = now, Deadline = step.Deadline }),
                StepKind.CheckSystem => Host(new CheckSystem { Id = step.CommandId, IssuedAt = now, Deadline = step.Deadline }),
                StepKind.FenceOwner => Host(new FenceOwner { Id = step.CommandId, IssuedAt = now, Deadline = step.Deadline }),
                StepKind.ApplyNetwork => Host(new ApplyNetwork { Id = step.CommandId, IssuedAt = now, Deadline = step.Deadline, Present = step.Present }),
                _ => Nobody,
            };
        }

        if (settings.Volume is not { } volume || site.Appliance is not { } appliance)
        {
            return (null, null, $"{settings.Id} has no volume at {step.Key.Target}.");
        }

        var peer = settings.Opposite(step.Key.Target).Replication;
        return step.Key.Step switch
        {
            StepKind.DemoteCopy => On(new DemoteVolume { Id = step.CommandId, IssuedAt = now, Deadline = step.Deadline, Volume = volume }),
            StepKind.PromoteCopy => On(new PromoteVolume { Id = step.CommandId, IssuedAt = now, Deadline = step.Deadline, Volume = volume, LeaseTtl = step.LeaseTtl }),
            StepKind.StartCopy when peer is not null => On(new AddCopy
            {
                Id = step.CommandId,
                IssuedAt = now,
                Deadline = step.Deadline,
                Volume = volume,
                Peer = peer,
                Mode = settings.CopyMode,
                BandwidthMbps = settings.BandwidthMbps,
                BandwidthClass = settings.BandwidthClass,
            }),
            StepKind.SyncCopy when peer is not null => On(new SyncCopy { Id = step.CommandId, IssuedAt = now, Deadline = step.Deadline, Volume = volume, Peer = peer }),
            StepKind.DigestCopy when finalPoint is { } point => On(new DigestVolume { Id = step.CommandId, IssuedAt = now, Deadline = step.Deadline, Volume = volume, Point = point }),
            StepKind.DigestCopy => (null, null, "The losing site gave no final point."),
            StepKind.StartCopy or StepKind.SyncCopy => (null, null, $"No replication address is configured opposite {step.Key.Target}."),
            _ => Nobody,
        };

        (DeviceId?, DeviceCommand?, string?) Host(DeviceCommand command) => (site.Host, Stamp(command), null);
        (DeviceId?, DeviceCommand?, string?) On(DeviceCommand command) => (appliance, Stamp(command), null);
        DeviceCommand Stamp(DeviceCommand command) => command with { System = settings.Id, Epoch = step.Epoch, Run = step.Key.Run, Step = Name(step) };
    }

    private static (DeviceId?, DeviceCommand?, string?) Nobody => (null, null, "This step is not available here.");

    /// <summary>What the command's <see cref="DeviceCommand.Step"/> says, so that the result finds its way back: <c>step@site#attempt</c>.</summary>
    public static string Name(SystemEffect.RunStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        return $"{step.Key.Step}@{step.Key.Target}#{step.Attempt}";
    }

    public static bool TryParse(DeviceCommand command, out StepKey key, out int attempt)
    {
        ArgumentNullException.ThrowIfNull(command);
        (key, attempt) = (new StepKey(default, default, default), 0);
        if (command is not { Run: { } run, Step: { } step } || step.IndexOf('@', StringComparison.Ordinal) is not (> 0 and var at) || step.LastIndexOf('#') is not (> 0 and var hash)
            || !Enum.TryParse<StepKind>(step[..at], out var kind) || !int.TryParse(step[(hash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out attempt))
        {
            return false;
        }

        key = new StepKey(run, kind, new SiteId(step[(at + 1)..hash]));
        return true;
    }

    public static SystemEvent EventOf(StepKey key, int attempt, CommandResult result)
    {
        ArgumentNullException.ThrowIfNull(result);
        return result.Outcome == CommandOutcome.Done
            ? new SystemEvent.StepDone(key, new StepEvidence
            {
                Sequence = result.Evidence.TryGetValue("sequence", out var text) && long.TryParse(text, CultureInfo.InvariantCulture, out var sequence) ? new SequenceNumber(sequence) : null,
                Digest = result.Evidence.GetValueOrDefault("digest"),
                Detail = result.Detail,
            })
            : new SystemEvent.StepFailed(key, attempt, result.Detail ?? result.Outcome.ToString(), result.Outcome == CommandOutcome.Fenced);
    }

    /// <summary>The intent, as one sentence for the journal.</summary>
    public static string Intent(StepKind step, SiteId target) => step switch
    {
        StepKind.StopSystem => $"Stop the components at {target} and prove it.",
        StepKind.DemoteCopy => $"Shut the write gate at {target} for good.",
        StepKind.FenceOwner => $"Switch the old owner off, by the fence device at {target}.",
        StepKind.ClaimOwnership => $"Give the ownership record to {target}.",
        StepKind.PromoteCopy => $"Make the copy at {target} the primary.",
        StepKind.StartSystem => $"Start the components at {target} on their volume.",
        StepKind.ApplyNetwork => $"Set the network at {target}.",
        StepKind.CheckSystem => $"Check that it serves at {target}.",
        StepKind.StartCopy => $"Copy from {target} to the other site.",
        StepKind.SyncCopy => $"Wait until everything of {target} is at the other site.",
        StepKind.DigestCopy => $"Digest of the final point at {target}.",
        _ => $"{step} at {target}.",
    };
}
