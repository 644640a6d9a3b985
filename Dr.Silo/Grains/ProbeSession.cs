namespace Dr.Silo.Grains;

/// <summary>One round of asking: the suspect once a second, the witnesses at once. Lives only in memory; a restart begins it anew.</summary>
internal sealed class ProbeSession(DateTimeOffset startedAt, DateTimeOffset until)
{
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    public DateTimeOffset StartedAt { get; } = startedAt;

    public DateTimeOffset Until { get; } = until;

    public DateTimeOffset NextAt { get; set; } = startedAt;

    public int Sent { get; set; }

    public int Answered { get; set; }
}
