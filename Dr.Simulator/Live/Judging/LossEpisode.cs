namespace Dr.Simulator.Live.Judging;

/// <summary>Commits that were answered and are not there, in one stretch of one side's commits.</summary>
/// <param name="Site">The side that had answered them.</param>
/// <param name="Count">How many.</param>
/// <param name="From">When the first of them was answered, in the clients' seconds.</param>
/// <param name="To">When the last commit of that side before the change of sides was answered.</param>
internal readonly record struct LossEpisode(string Site, int Count, double From, double To)
{
    /// <summary>What a recovery point counts, in seconds: from the first lost commit to the last answered one.</summary>
    public double Seconds => To - From;
}

/// <summary>Which commits are missing, and over what time. Pure.</summary>
internal static class Losses
{
    /// <param name="answers">All of them.</param>
    /// <param name="isThere">Whether the volume holds a number in the end.</param>
    /// <returns>
    /// One episode for each stretch of a side's commits (between two changes of sides) that misses any, whole from its first missing one to the stretch's end: a stretch that misses one in its middle and has later ones
    /// is worse than a lost tail, and counts as long as it is.
    /// </returns>
    public static IReadOnlyList<LossEpisode> Of(IEnumerable<WriteAnswer> answers, Func<long, bool> isThere)
    {
        List<LossEpisode> episodes = [];
        List<WriteAnswer> stretch = [];
        foreach (var answer in answers.Where(a => a.CommittedAt is not null).OrderBy(a => a.AnsweredAt))
        {
            if (stretch.Count > 0 && stretch[^1].Site != answer.Site)
            {
                Close();
            }

            stretch.Add(answer);
        }

        Close();
        return episodes;

        void Close()
        {
            var lost = stretch.Where(a => !isThere(a.Number)).ToArray();
            if (lost.Length > 0)
            {
                episodes.Add(new LossEpisode(lost[0].Site, lost.Length, lost[0].CommittedAt!.Value, stretch[^1].CommittedAt!.Value));
            }

            stretch.Clear();
        }
    }
}
