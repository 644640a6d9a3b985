using Dr.Edge.Link;

namespace Dr.Edge.Host;

/// <summary>Carries out system.start, system.stop, system.check, network.apply and fence.</summary>
internal sealed class HostCommandExecutor(HostedSystems systems, TimeProvider time) : ICommandExecutor
{
    public bool Handles(DeviceCommand command) => command is StartSystem or StopSystem or CheckSystem or ApplyNetwork or FenceOwner;

    public async Task<CommandResult> ExecuteAsync(DeviceCommand command, Action<string> progress, CancellationToken cancellationToken)
    {
        var started = time.GetUtcNow();
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var left = command.Deadline - started;
        if (left > TimeSpan.Zero && left < TimeSpan.FromDays(1))
        {
            deadline.CancelAfter(left);
        }

        CommandResult Answer(CommandOutcome outcome, string detail, string? hint = null, HostReport? report = null) => new()
        {
            Id = command.Id, Outcome = outcome, Detail = detail, Hint = hint, StartedAt = started, FinishedAt = time.GetUtcNow(),
            EpochSeen = command.System is { } id && systems.All.FirstOrDefault(s => s.System.Id == id.Value) is { } known ? systems.Known(known) : command.Epoch,
            Evidence = report is null ? new Dictionary<string, string>() : Evidence(report),
        };

        if (command.System is not { } system || systems.All.FirstOrDefault(s => s.System.Id == system.Value) is not { } session)
        {
            return Answer(CommandOutcome.Refused, $"System '{command.System}' is not configured on this machine.", "Add it to 'systems' in the device's configuration.");
        }

        try
        {
            var report = await ActAsync(session, command, progress, deadline.Token);
            return Answer(command is CheckSystem && report.Health.State != HealthState.Running ? CommandOutcome.Failed : CommandOutcome.Done, Summary(command, report), report: report);
        }
        catch (FencedException exception)
        {
            return Answer(CommandOutcome.Fenced, exception.Message, exception.Hint);
        }
        catch (DrException exception)
        {
            return Answer(CommandOutcome.Failed, exception.Message, exception.Hint);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Answer(CommandOutcome.Failed, $"Not finished within its deadline of {left.TotalSeconds:0} s.", "What was done so far stays; a repeated command goes on from there.");
        }
    }

    private static Task<HostReport> ActAsync(HostedSystemSession session, DeviceCommand command, Action<string> progress, CancellationToken cancellationToken) => command switch
    {
        StartSystem => session.StartAsync(command.Epoch, progress, cancellationToken),
        StopSystem => session.StopAsync(command.Epoch, progress, cancellationToken),
        CheckSystem => session.CheckAsync(progress, cancellationToken),
        ApplyNetwork network => session.ApplyNetworkAsync(network.Present, command.Epoch, progress, cancellationToken),
        FenceOwner => session.FenceOtherSiteAsync(command.Epoch, progress, cancellationToken),
        _ => throw new InvariantException($"{command.GetType().Name} is not a command of the host role"),
    };

    private static string Summary(DeviceCommand command, HostReport report) => command switch
    {
        StartSystem => report.WasSo ? "It ran already." : $"Runs after {report.Seconds:0.0} s.",
        StopSystem => report.WasSo ? "It was stopped already." : $"Stopped after {report.Seconds:0.0} s: no process, no mount, no device left.",
        CheckSystem => $"{report.Health.State}: {string.Join(", ", report.Health.Components.Select(c => $"{c.Name} {c.State}"))}.",
        FenceOwner => "The other site is off, read back.",
        _ => "Read back as ordered.",
    };

    private static Dictionary<string, string> Evidence(HostReport report)
    {
        var evidence = new Dictionary<string, string> { ["state"] = report.Health.State.ToString(), ["seconds"] = report.Seconds.ToString(CultureInfo.InvariantCulture) };
        foreach (var step in report.Steps)
        {
            evidence[step.Step] = $"{step.Seconds.ToString(CultureInfo.InvariantCulture)} s{(step.Detail is null ? "" : $", {step.Detail}")}";
        }

        return evidence;
    }
}
