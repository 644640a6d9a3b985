namespace Dr.Edge.Host;

/// <summary>What an operation on a system did, step by step, and how the system is afterwards.</summary>
internal sealed record HostReport
{
    public required SystemHealth Health { get; init; }

    public required Epoch Epoch { get; init; }

    public required IReadOnlyList<StepReport> Steps { get; init; }

    public double Seconds => Math.Round(Steps.Sum(s => s.Seconds), 3);

    /// <summary>Nothing had to be changed.</summary>
    public bool WasSo { get; init; }
}

internal sealed record StepReport(string Step, double Seconds, string? Detail);
