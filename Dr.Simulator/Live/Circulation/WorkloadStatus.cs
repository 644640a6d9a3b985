using System.Text.Json;

namespace Dr.Simulator.Live.Circulation;

/// <summary>What the workload has seen so far, for whoever watches it.</summary>
internal sealed record WorkloadStatus
{
    public required DateTimeOffset At { get; init; }

    public required bool Connected { get; init; }

    public required long Committed { get; init; }

    public required long Unknown { get; init; }

    public required double? SecondsSinceLastCommit { get; init; }

    /// <summary>Longest time between two answered commits: the outage as a client felt it.</summary>
    public required double LongestGapSeconds { get; init; }

    public required string? Detail { get; init; }
}

/// <summary>Replaced as a whole at each write, so that a reader never sees half of it; not durable, it is only a view.</summary>
internal sealed class WorkloadStatusFile(string? path)
{
    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web);

    public void Write(WorkloadStatus status)
    {
        if (path is null)
        {
            return;
        }

        var temporary = path + ".new";
        File.WriteAllText(temporary, JsonSerializer.Serialize(status, Options));
        File.Move(temporary, path, overwrite: true);
    }
}
