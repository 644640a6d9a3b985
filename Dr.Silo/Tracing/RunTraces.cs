using System.Diagnostics;

namespace Dr.Silo.Tracing;

/// <summary>A run that has ended as one trace: what it did and how long each step took, from its journal, so that a restart in the middle leaves no hole.</summary>
internal static class RunTraces
{
    public const string SourceName = "Dr.Silo.Runs";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Somebody listens.</summary>
    public static bool AreWanted => Source.HasListeners();

    /// <param name="run">As its journal has it, closed.</param>
    public static void Tell(RunView run)
    {
        ArgumentNullException.ThrowIfNull(run);
        var endedAt = run.FinishedAt ?? throw new InvariantException($"run {run.Id} is told before its end.");
        var before = Activity.Current;
        try
        {
            Activity.Current = null; // A trace of its own, whoever's request happened to end it.
            using var whole = Source.StartActivity($"{run.Kind} {run.System}", ActivityKind.Internal, default(ActivityContext), startTime: run.StartedAt);
            if (whole is null)
            {
                return;
            }

            whole.SetTag("dr.system", run.System.Value).SetTag("dr.run", run.Id.Value).SetTag("dr.from", run.From.Value).SetTag("dr.to", run.To.Value).SetTag("dr.epoch", run.Epoch.Value)
                .SetTag("dr.actor", run.Actor).SetTag("dr.reason", run.Reason).SetTag("dr.state", run.State.ToString()).SetTag("dr.outcome", run.Outcome);
            whole.SetStatus(run.State == RunState.Done ? ActivityStatusCode.Ok : ActivityStatusCode.Error, run.State == RunState.Done ? null : run.Outcome);
            foreach (var step in run.Steps)
            {
                Tell(step, whole.Context, endedAt);
            }

            whole.SetEndTime(endedAt.UtcDateTime);
        }
        finally
        {
            Activity.Current = before;
        }
    }

    private static void Tell(StepRecord step, ActivityContext run, DateTimeOffset endedAt)
    {
        using var part = Source.StartActivity(step.Step, ActivityKind.Internal, run, startTime: step.StartedAt);
        part?.SetTag("dr.site", step.Target).SetTag("dr.attempt", step.Attempt).SetTag("dr.epoch", step.Epoch.Value).SetTag("dr.state", step.State.ToString()).SetTag("dr.outcome", step.Detail)
            .SetStatus(step.State == StepState.Failed ? ActivityStatusCode.Error : ActivityStatusCode.Unset, step.State == StepState.Failed ? step.Detail : null)
            .SetEndTime((step.FinishedAt ?? endedAt).UtcDateTime);
    }
}
