namespace Dr.Simulator.Live.Faults;

/// <summary>One fault of the schedule.</summary>
/// <param name="Number">From 1.</param>
/// <param name="Lasts">From the moment it strikes until it is repaired; zero = it is over at once (a process that its supervisor starts again).</param>
/// <param name="Rest">How long everything works undisturbed after the world is whole again, before the next fault.</param>
/// <param name="Draw">0–1: what is left to chance while it strikes (which volume, which byte).</param>
internal sealed record LiveFault(int Number, LiveFaultKind Kind, LivePart Part, TimeSpan Lasts, TimeSpan Rest, double Draw)
{
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{Kind.ToString().ToLowerInvariant()} {Part}{(Lasts > TimeSpan.Zero ? $" for {Lasts.TotalSeconds:F0} s" : "")}");
}
