namespace Dr.Silo.Decisions.Alerts;

/// <summary>When a value of one kind is worth a warning and when it is critical. Larger values are worse; a level needs its threshold exceeded for its time without a break.</summary>
/// <param name="Warning">Exceeded = a warning is on its way; infinite = there is no warning.</param>
/// <param name="Unit">Of the value.</param>
/// <param name="Runbook">Page in <c>deploy/runbooks</c>, without <c>.md</c>.</param>
public sealed record AlertRule(AlertKind Kind, string Title, double Warning, TimeSpan WarningFor, double Critical, TimeSpan CriticalFor, string Unit, string Runbook)
{
    /// <summary>A level is left when the value has been below this part of its threshold for <see cref="ClearFor"/>: values that hover about a threshold raise one alert, not twenty.</summary>
    public const double ClearRatio = 0.9;

    /// <summary>How long it has to be calm.</summary>
    public TimeSpan ClearFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The value is that something holds (1) or not (0).</summary>
    public const double Holds = 0.5;

    /// <summary>Something holds in its worse form (2).</summary>
    public const double HoldsWorse = 1.5;

    public double Threshold(AlertLevel level) => level == AlertLevel.Critical ? Critical : Warning;
}
