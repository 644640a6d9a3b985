using System.Collections.Concurrent;
using System.Threading.Channels;
using Dr.Edge.Buffers;
using Microsoft.Extensions.Logging;

namespace Dr.Edge.Link;

/// <summary>
/// Carries out commands, each id once. Invariants: a command is in the inbox before it starts and its result is there before it is sent; a lower epoch than one
/// seen never reaches an executor; commands go on while the line is down. Commands run beside each other: the control plane waits for a result before it sends what
/// depends on it.
/// </summary>
internal sealed partial class CommandService(
    EdgeBuffer buffer, EpochMemory epochs, IEnumerable<ICommandExecutor> executors, ServerClock clock, TimeProvider time, ILogger<CommandService> logger) : IAsyncDisposable
{
    /// <summary>Beyond this nothing new is started; the control plane sends it again.</summary>
    private const int RunningMax = 64;

    /// <summary>Results on their way to the link. Full: the oldest goes, and comes again from the inbox if it was final.</summary>
    private const int OutgoingMax = 256;

    private readonly ICommandExecutor[] _executors = [.. executors];
    private readonly ConcurrentDictionary<CommandId, Task> _running = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Channel<CommandResult> _outgoing = Channel.CreateBounded<CommandResult>(new BoundedChannelOptions(OutgoingMax) { FullMode = BoundedChannelFullMode.DropOldest });

    /// <summary>Progress and results as they come; one reader at a time.</summary>
    public ChannelReader<CommandResult> Outgoing => _outgoing.Reader;

    /// <summary>Returns when the command is safe in the inbox (or answered from it); the work goes on by itself.</summary>
    public async Task HandleAsync(DeviceCommand command, CancellationToken cancellationToken)
    {
        if (_running.ContainsKey(command.Id))
        {
            Send(Progress(command, "running"));
            return;
        }

        if (await buffer.FindCommandAsync(command.Id, cancellationToken) is { } entry && EdgeBuffer.ResultOf(entry) is { } known)
        {
            LogRepeated(command.Id);
            Send(known);
            return;
        }

        if (_running.Count >= RunningMax)
        {
            LogTooMany(command.Id, RunningMax);
            return;
        }

        await buffer.AcceptCommandAsync(command.Id, cancellationToken);
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[command.Id] = RunAsync(command, started.Task);
        started.SetResult();
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running.Values);
        _stopping.Dispose();
    }

    private async Task RunAsync(DeviceCommand command, Task registered)
    {
        await registered;
        try
        {
            var startedAt = time.GetUtcNow();
            var result = await DecideAsync(command);
            result = result with
            {
                Id = command.Id,
                StartedAt = result.StartedAt == default ? startedAt : result.StartedAt,
                FinishedAt = result.FinishedAt == default ? time.GetUtcNow() : result.FinishedAt,
                EpochSeen = command.System is { } system ? epochs.Highest(system) : result.EpochSeen,
            };
            await buffer.FinishCommandAsync(result, CancellationToken.None);
            LogFinished(command.Id, command.GetType().Name, result.Outcome, result.Detail);
            Send(result);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // The process ends: without a result the command comes again after the next birth.
        }
        catch (Exception exception)
        {
            // The buffer refused, or whatever else: nobody but this would say so. No result is owed before it is stored, and the command comes again.
            LogNotStored(exception, command.Id);
        }
        finally
        {
            _running.TryRemove(command.Id, out _);
        }
    }

    private async Task<CommandResult> DecideAsync(DeviceCommand command)
    {
        if (command.System is { } system)
        {
            var current = command.Epoch > Epoch.None ? await epochs.SeeAsync(system, command.Epoch, _stopping.Token) : epochs.Highest(system) == Epoch.None;
            if (!current)
            {
                return Ended(command, CommandOutcome.Fenced, $"Epoch {command.Epoch} of {system} is over; {epochs.Highest(system)} has been seen here.");
            }
        }

        var executor = Array.Find(_executors, e => e.Handles(command));
        try
        {
            if (clock.UtcNow > command.Deadline)
            {
                return executor?.FindDone(command) ?? Ended(command, CommandOutcome.Expired, $"Its deadline {command.Deadline:O} had passed when it came.");
            }

            if (executor is null)
            {
                return Ended(command, CommandOutcome.Refused, $"This device has no part that can do {command.GetType().Name}.", "Check the roles in the device's configuration.");
            }

            LogStarted(command.Id, command.GetType().Name, command.System, command.Epoch);
            return await executor.ExecuteAsync(command, text => Send(Progress(command, text)), _stopping.Token);
        }
        catch (FencedException exception)
        {
            return Ended(command, CommandOutcome.Fenced, exception.Message, exception.Hint);
        }
        catch (DrException exception)
        {
            return Ended(command, CommandOutcome.Failed, exception.Message, exception.Hint);
        }
        catch (Exception exception) when (!_stopping.IsCancellationRequested)
        {
            // The control plane is owed an answer whatever went wrong in the executor, a broken invariant too, which stops before it does harm; it decides what to do next.
            LogThrew(exception, command.Id, command.GetType().Name);
            return Ended(command, CommandOutcome.Failed, exception.Message);
        }
    }

    private void Send(CommandResult result) => _outgoing.Writer.TryWrite(result);

    private CommandResult Progress(DeviceCommand command, string text) =>
        new() { Id = command.Id, Outcome = CommandOutcome.Progress, Detail = text, StartedAt = time.GetUtcNow() };

    private static CommandResult Ended(DeviceCommand command, CommandOutcome outcome, string detail, string? hint = null) =>
        new() { Id = command.Id, Outcome = outcome, Detail = detail, Hint = hint };

    [LoggerMessage(1611, LogLevel.Information, "Command {Command} {Kind} for {System} at epoch {Epoch} started")]
    private partial void LogStarted(CommandId command, string kind, SystemId? system, Epoch epoch);

    [LoggerMessage(1612, LogLevel.Information, "Command {Command} {Kind}: {Outcome} {Detail}")]
    private partial void LogFinished(CommandId command, string kind, CommandOutcome outcome, string? detail);

    [LoggerMessage(1613, LogLevel.Debug, "Command {Command} came again; its stored result is sent again")]
    private partial void LogRepeated(CommandId command);

    [LoggerMessage(1614, LogLevel.Warning, "Command {Command} is not started: {Limit} are running already")]
    private partial void LogTooMany(CommandId command, int limit);

    [LoggerMessage(1615, LogLevel.Error, "Command {Command} {Kind} failed unexpectedly")]
    private partial void LogThrew(Exception exception, CommandId command, string kind);

    [LoggerMessage(1616, LogLevel.Error, "The result of command {Command} could not be stored; it is executed again when it comes again")]
    private partial void LogNotStored(Exception exception, CommandId command);
}
