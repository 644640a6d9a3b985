namespace Dr.Benchmarks.Replication;

/// <summary>One measured figure and its goal.</summary>
/// <param name="Goal">Null: only to compare another figure with.</param>
/// <param name="AtLeast">The goal is a floor; otherwise a ceiling.</param>
internal sealed record CopyFigure(string What, double Value, string Unit, double? Goal, bool AtLeast)
{
    public bool IsMet => Goal is not { } goal || (AtLeast ? Value >= goal : Value <= goal);
}
