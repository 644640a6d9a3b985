namespace Dr.Edge.Link;

/// <summary>
/// Carries out one family of commands. The link calls it at most once per command id at a time: repeats of a finished command are answered from the
/// inbox, and a command that was interrupted by a crash is handed over again, so an executor first observes what is there already.
/// </summary>
internal interface ICommandExecutor
{
    /// <summary>True when <paramref name="command"/> is this executor's; the first that says so gets it.</summary>
    bool Handles(DeviceCommand command);

    /// <summary>
    /// What was done of it before this process started, where that shows; null where it does not. Asked of a command that comes when its deadline has passed: it may have been carried out in time, and only the note of it be missing.
    /// </summary>
    CommandResult? FindDone(DeviceCommand command) => null;

    /// <summary>
    /// Does it and returns the final result. By then the link has checked the deadline and refused an epoch lower than one seen for the system, and has
    /// stored the command's epoch as seen. <paramref name="progress"/> sends an intermediate <see cref="CommandOutcome.Progress"/>; it never blocks. The token ends with the process, not with
    /// the connection: a command goes on while the line is down. An exception becomes <see cref="CommandOutcome.Failed"/> (<see cref="FencedException"/>: Fenced).
    /// </summary>
    Task<CommandResult> ExecuteAsync(DeviceCommand command, Action<string> progress, CancellationToken cancellationToken);
}
