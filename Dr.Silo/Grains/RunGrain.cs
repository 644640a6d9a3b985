using System.Data.Common;
using Dr.Silo.Storage;
using Dr.Silo.Tracing;

namespace Dr.Silo.Grains;

/// <summary>One run's journal. The rows are the state: every call is one idempotent statement.</summary>
[GrainType("run")]
internal sealed partial class RunGrain(RunJournal journal, EventLog events, TimeProvider time, ILogger<RunGrain> logger) : Grain, IRunGrain
{
    private RunId Id => new(this.GetPrimaryKeyString());

    public Task OpenAsync(RunHeader header) => journal.OpenAsync(header, CancellationToken.None);

    public async Task<StepRecord> BeginAsync(StepIntent intent)
    {
        var step = await journal.BeginAsync(Id, intent, CancellationToken.None);
        await TellAsync($"{Id}/{intent.Step}@{intent.Target}#{intent.Attempt}:begin", intent.Step, intent.Target, StepState.Intended, intent.Intent);
        return step;
    }

    public async Task EndAsync(string step, string target, StepState state, string? detail, IReadOnlyDictionary<string, string> evidence)
    {
        await journal.EndAsync(Id, step, target, state, detail, evidence, CancellationToken.None);
        await TellAsync(null, step, target, state, detail ?? state.ToString());
    }

    public Task NoteAsync(string name, string value) => journal.NoteAsync(Id, name, value, CancellationToken.None);

    public Task SetStateAsync(RunState state) => journal.SetStateAsync(Id, state, CancellationToken.None);

    public async Task CloseAsync(RunState state, string reason)
    {
        var closed = await journal.CloseAsync(Id, state, reason, CancellationToken.None);
        if (closed && RunTraces.AreWanted)
        {
            await TraceAsync();
        }
    }

    public Task<RunView?> GetAsync() => journal.ReadAsync(Id, CancellationToken.None);

    /// <summary>The run has ended, whether or not it can be told.</summary>
    private async Task TraceAsync()
    {
        try
        {
            if (await journal.ReadAsync(Id, CancellationToken.None) is { FinishedAt: not null } run)
            {
                RunTraces.Tell(run);
            }
        }
        catch (DbException exception)
        {
            LogNotTraced(Id, exception.Message);
        }
    }

    private Task TellAsync(string? key, string step, string target, StepState state, string text) => events.AppendAsync(
        [
            (key, new EventRecord
            {
                At = time.GetUtcNow(),
                Kind = "run.step",
                Subject = Id.Value,
                Severity = state == StepState.Failed ? Severity.Warning : Severity.Information,
                Text = $"{step} at {target}: {text}",
                Data = new Dictionary<string, string> { ["step"] = step, ["target"] = target, ["state"] = state.ToString() },
            }),
        ],
        CancellationToken.None);

    [LoggerMessage(3090, LogLevel.Information, "Run {Run} has ended and is not traced: {Reason}")]
    private partial void LogNotTraced(RunId run, string reason);
}
