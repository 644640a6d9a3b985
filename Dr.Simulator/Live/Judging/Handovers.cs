namespace Dr.Simulator.Live.Judging;

/// <summary>One change of the side that answers writes.</summary>
/// <param name="LastAnswered">When the last write of <paramref name="From"/> was answered, in the clients' seconds.</param>
/// <param name="FirstSent">When the first write that <paramref name="To"/> answered had been sent.</param>
internal readonly record struct Handover(string From, string To, double LastAnswered, double FirstSent)
{
    /// <summary>The old side answered a write after the new one had taken one: two owners at once.</summary>
    public bool Overlaps => LastAnswered > FirstSent;
}

/// <summary>The judge's rule for writes at two sides: once one was taken at one side, none may be answered at the other until ownership goes back. Pure.</summary>
internal static class Handovers
{
    /// <summary>Each change of sides, in the order of the answers.</summary>
    public static IReadOnlyList<Handover> Of(IEnumerable<WriteAnswer> answers)
    {
        List<Handover> changes = [];
        WriteAnswer? before = null;
        foreach (var answer in answers.OrderBy(a => a.AnsweredAt))
        {
            if (before is { } last && last.Site != answer.Site)
            {
                changes.Add(new Handover(last.Site, answer.Site, last.AnsweredAt, answer.SentAt));
            }

            before = answer;
        }

        return changes;
    }
}
