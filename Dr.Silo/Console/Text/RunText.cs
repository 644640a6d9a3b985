namespace Dr.Silo.WebConsole.Text;

/// <summary>How a run's state is to be taken.</summary>
public static class RunText
{
    public static Tone ToneOf(RunView run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return run.State switch
        {
            RunState.Running => Tone.Busy,
            RunState.WaitingForApproval or RunState.NeedsOperator => Tone.Bad,
            RunState.OnTrial or RunState.Stopped => Tone.Warning,
            RunState.Done => Tone.Good,
            RunState.Failed => Tone.Bad,
            _ => Tone.Idle,
        };
    }
}
