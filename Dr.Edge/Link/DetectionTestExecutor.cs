namespace Dr.Edge.Link;

/// <summary>The synthetic kill at the device's end: its beats carry a mark for a while. Nothing else changes: leases, reports and the pace go on.</summary>
internal sealed class DetectionTestExecutor(LinkState state, TimeProvider time) : ICommandExecutor
{
    /// <summary>However long is asked for, marks end.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(30);

    public bool Handles(DeviceCommand command) => command is TestDetection;

    public Task<CommandResult> ExecuteAsync(DeviceCommand command, Action<string> progress, CancellationToken cancellationToken)
    {
        var test = (TestDetection)command;
        state.BeginTest(test.Id, time.GetTimestamp(), test.MarkFor < Longest ? test.MarkFor : Longest);
        return Task.FromResult(new CommandResult { Id = command.Id, Outcome = CommandOutcome.Done, Detail = "Beats are marked: as if this device had stopped." });
    }
}
