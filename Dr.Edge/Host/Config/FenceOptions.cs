namespace Dr.Edge.Host.Config;

/// <summary>A fence device as commands of the operator (a power strip, a management controller, a switch port). They get the new epoch as <c>DR_EPOCH</c>.</summary>
internal sealed class FenceOptions
{
    /// <summary>Switches the other site's machines off; may be repeated.</summary>
    public string Off { get; set; } = "";

    /// <summary>Exits with 0 when they are surely off, with 1 when not; anything else is an error. What it says is the proof on which the other site is taken over.</summary>
    public string Read { get; set; } = "";

    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);
}
