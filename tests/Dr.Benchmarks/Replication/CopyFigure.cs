namespace Dr.Benchmarks.Replication;

/// <summary>One measured figure and its goal.</summary>
/// <param name="AtLeast">The goal is a floor; otherwise a ceiling.</param>
internal sealed record CopyFigure(string What, double Value, string Unit, double Goal, bool AtLeast)
{
    public bool IsMet => AtLeast ? Value >= Goal : Value <= Goal;
}
