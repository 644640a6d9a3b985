namespace Dr.Edge.Volumes.Scrubbing;

/// <summary>Section <c>scrub</c>: reading everything again before it is needed.</summary>
internal sealed class ScrubConfig
{
    /// <summary>Each volume is read through once in this time; <c>0s</c> = only when told to. A week finds a failing disk while the other copy is whole, and is 150 GiB at the floor rate.</summary>
    public string Every { get; set; } = "7d";

    /// <summary>Of each operation of clients, so much may be read; more only where a pass would otherwise take longer than <see cref="Every"/>.</summary>
    public double Share { get; set; } = 0.05;

    internal TimeSpan Period => Quantities.ParseDuration(Every, "scrub: every");
}
