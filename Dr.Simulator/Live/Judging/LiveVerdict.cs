namespace Dr.Simulator.Live.Judging;

/// <summary>One promise, and whether it was kept.</summary>
internal readonly record struct LiveCheck(string Promise, bool Holds, string Detail);

/// <summary>What is promised against what was found. Pure.</summary>
internal static class LiveVerdict
{
    /// <summary>Seconds of commits that a takeover may lose with a streamed copy.</summary>
    public const double StreamLossLimit = 5;

    public static IReadOnlyList<LiveCheck> Of(LiveEvidence evidence)
    {
        List<LiveCheck> checks = [];
        foreach (var system in evidence.Systems)
        {
            checks.Add(Loss(system));
        }

        checks.Add(All("one side at a time answers writes", evidence.Systems, OneSide));
        checks.Add(new("an epoch has one owner, and epochs only grow", evidence.OwnershipFaults.Count == 0, evidence.OwnershipFaults.Count == 0 ? $"{evidence.Systems.Sum(s => s.OwnershipMoves)} changes of owner" : string.Join("; ", evidence.OwnershipFaults)));
        checks.Add(All("nothing is there that nobody sent", evidence.Systems, s => s.Unexplained == 0 ? null : $"{s.Unexplained} transactions"));
        checks.Add(new("the world was whole again after every fault", evidence.NotHealed is null, evidence.NotHealed ?? "always"));
        checks.Add(All("every system runs at its home in the end", evidence.Systems, s => s.IsRunning ? null : "does not"));
        checks.Add(All("both sites hold the same, byte by byte", evidence.Systems, s => s.Difference));
        checks.Add(All("every checksum at both sites is right", evidence.Systems, s => s.Damage));
        checks.Add(new("the audit log's chain is whole", evidence.AuditBrokenAt is null, evidence.AuditBrokenAt is { } at ? $"entry {at} does not fit" : "every entry fits"));
        if (evidence.Corruptions.Count > 0)
        {
            var missed = evidence.Corruptions.Where(c => c.Found is null || c.Served).Select(c => $"{c.Where}: {(c.Served ? "served" : "not found")}").ToArray();
            checks.Add(new("damage is found and never served", missed.Length == 0, missed.Length == 0 ? $"{evidence.Corruptions.Count} of {evidence.Corruptions.Count}" : string.Join("; ", missed)));
        }

        return checks;
    }

    private static LiveCheck Loss(SystemEvidence evidence)
    {
        var (lost, worst) = (evidence.Losses.Sum(l => l.Count), evidence.Losses.Select(l => l.Seconds).DefaultIfEmpty().Max());
        var limit = evidence.System.IsSync ? 0 : StreamLossLimit;
        return new(
            evidence.System.IsSync ? $"{evidence.System.Id} (sync): no answered commit is lost" : string.Create(CultureInfo.InvariantCulture, $"{evidence.System.Id} (stream): a takeover loses at most {StreamLossLimit:F0} s"),
            evidence.Committed > 0 && (lost == 0 || (!evidence.System.IsSync && worst <= limit)),
            evidence.Committed == 0 ? "nothing was ever committed" : string.Create(CultureInfo.InvariantCulture, $"{evidence.Committed} committed, {lost} lost{(lost == 0 ? "" : $" in {evidence.Losses.Count} stretches, the worst over {worst:F2} s")}"));
    }

    private static string? OneSide(SystemEvidence evidence)
    {
        var overlaps = evidence.Handovers.Where(h => h.Overlaps).ToArray();
        if (overlaps.Length > 0)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{overlaps[0].From} answered a write {(overlaps[0].LastAnswered - overlaps[0].FirstSent) * 1000:F0} ms after {overlaps[0].To} took one");
        }

        return evidence.Handovers.Count > evidence.OwnershipMoves ? $"sides changed {evidence.Handovers.Count} times, ownership {evidence.OwnershipMoves} times" : null;
    }

    private static LiveCheck All(string promise, IReadOnlyList<SystemEvidence> systems, Func<SystemEvidence, string?> broken)
    {
        var told = systems.Select(s => (s.System.Id, Broken: broken(s))).Where(s => s.Broken is not null).Select(s => $"{s.Id}: {s.Broken}").ToArray();
        return new(promise, told.Length == 0, told.Length == 0 ? string.Join(", ", systems.Select(s => s.System.Id)) : string.Join("; ", told));
    }
}
