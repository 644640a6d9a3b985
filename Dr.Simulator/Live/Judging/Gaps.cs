namespace Dr.Simulator.Live.Judging;

/// <summary>How long clients waited. Pure.</summary>
internal static class Gaps
{
    /// <summary>The longest time between two commits, one after the other, of which at least a part lies between two moments; also the time from the last commit to <paramref name="to"/>. Zero when there is no commit before.</summary>
    /// <param name="commits">Moments in ascending order, in seconds.</param>
    public static double Longest(IReadOnlyList<double> commits, double from, double to)
    {
        var longest = 0.0;
        for (var i = 0; i < commits.Count; i++)
        {
            var (begin, end) = (commits[i], i + 1 < commits.Count ? commits[i + 1] : Math.Max(to, commits[i]));
            if (end > from && begin < to)
            {
                longest = Math.Max(longest, end - begin);
            }
        }

        return longest;
    }
}
