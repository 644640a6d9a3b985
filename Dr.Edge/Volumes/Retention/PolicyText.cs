namespace Dr.Edge.Volumes.Retention;

/// <summary>What a volume does when its disk is full, as people write and read it; the other parts of a policy are in <see cref="RetentionText"/>.</summary>
internal static class PolicyText
{
    public const string Refuse = "refuse";
    public const string GivesWay = "history-gives-way";

    /// <exception cref="DrException">Neither of the two.</exception>
    public static FullPolicy ParseWhenFull(string text, string where) => text.Trim() switch
    {
        Refuse => FullPolicy.RefuseWrites,
        GivesWay => FullPolicy.HistoryGivesWay,
        _ => throw new DrException($"{where}: '{text}' is not known.", $"'{Refuse}' keeps all history and refuses writes when the disk is full; '{GivesWay}' lets the oldest points go first."),
    };

    public static string WhenFull(FullPolicy policy) => policy == FullPolicy.RefuseWrites ? Refuse : GivesWay;
}
