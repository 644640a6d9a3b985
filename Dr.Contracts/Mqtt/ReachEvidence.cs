namespace Dr.Contracts.Mqtt;

/// <summary>How a report on one target is said in the evidence of a <see cref="ProbeTargets"/>: <c>reachable</c>, <c>transaction failed: REASON</c>, or why it is not reachable. Pure.</summary>
public static class ReachEvidence
{
    private const string Reachable = "reachable";
    private const string Failed = "transaction failed: ";

    public static string Of(ReachReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        return (report.Reachable, report.TransactionFailed) switch
        {
            (true, false) => Reachable,
            (true, true) => Failed + report.Detail,
            _ => report.Detail ?? "not reachable",
        };
    }

    public static ReachReport Read(string target, string said, DateTimeOffset at)
    {
        ArgumentNullException.ThrowIfNull(said);
        var failed = said.StartsWith(Failed, StringComparison.Ordinal);
        return new ReachReport { Target = target, Reachable = failed || said == Reachable, TransactionFailed = failed, At = at, Detail = failed ? said[Failed.Length..] : said };
    }
}
