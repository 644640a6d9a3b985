namespace Dr.Simulator.Years;

/// <summary>A rule of the design that did not hold.</summary>
internal sealed class YearViolationException(string rule, string what, TimeSpan at) : Exception($"{rule}: {what}")
{
    public string Rule => rule;

    /// <summary>From the start of the year.</summary>
    public TimeSpan At => at;
}

/// <summary>What came of one year.</summary>
internal sealed class YearOutcome
{
    public YearViolationException? Violation { get; set; }

    public long Events { get; set; }

    public long Transitions { get; set; }

    public int Takeovers { get; set; }

    public int AutomaticTakeovers { get; set; }

    public int Moves { get; set; }

    public int Drills { get; set; }

    /// <summary>Systems that wait for a person at the end although everything is mended.</summary>
    public int NeedingHelp { get; set; }

    /// <summary>What streamed copies lost, all of it on record before.</summary>
    public TimeSpan LongestLoss { get; set; }

    /// <summary>Over every transition: equal for equal years.</summary>
    public ulong Hash { get; set; } = 14695981039346656037ul;
}
