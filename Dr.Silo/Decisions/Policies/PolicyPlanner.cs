using Dr.Contracts.Grains;
using Dr.Contracts.Policy;

namespace Dr.Silo.Decisions.Policies;

/// <summary>From a book and what somebody wants to be different to the next book, or to every reason why not. Pure.</summary>
public static class PolicyPlanner
{
    /// <param name="systems">As configured; a policy may also name systems that are not there.</param>
    /// <param name="timers">Beat, deadline and lease of a system.</param>
    public static (PolicyPlan Plan, PolicyBook Next) Plan(
        PolicyBook book, PolicyChange change, IReadOnlyCollection<SystemSettings> systems, Func<SystemSettings, PolicyTimers> timers, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(book);
        ArgumentNullException.ThrowIfNull(change);
        ArgumentNullException.ThrowIfNull(systems);
        ArgumentNullException.ThrowIfNull(timers);
        List<string> reasons = [];
        if (change.Seen is { } seen && seen != book.Version)
        {
            reasons.Add($"The policies have changed since you looked: version {book.Version} is in force, you saw {seen}. Look again.");
        }

        if (string.IsNullOrWhiteSpace(change.Actor) || string.IsNullOrWhiteSpace(change.Reason))
        {
            reasons.Add("Say who changes the policies and why.");
        }

        var (policies, calendars) = Merge(book, change, reasons);
        reasons.AddRange(PolicyRules.CheckAll(policies, calendars, policy => TimersOf(policy, systems, timers)));
        reasons.AddRange(policies.SelectMany(policy => CheckSystems(policy, systems)));
        var differences = Differences(book.Policies, policies, p => p.Name, "policy", PolicyWords.Of)
            .Concat(Differences(book.Calendars, calendars, c => c.Name, "calendar", PolicyWords.Of)).ToArray();
        var plan = new PolicyPlan { Seen = book.Version, Version = book.Version, Differences = differences, Reasons = reasons, Advice = [.. policies.SelectMany(p => Advice(p, systems))] };
        var next = book with { Version = book.Version + 1, Policies = policies, Calendars = calendars, ChangedAt = now, ChangedBy = change.Actor, Reason = change.Reason };
        return (plan, reasons.Count == 0 && differences.Length > 0 ? next : book);
    }

    private static (IReadOnlyList<BackupPolicy> Policies, IReadOnlyList<OpeningCalendar> Calendars) Merge(PolicyBook book, PolicyChange change, List<string> reasons)
    {
        IReadOnlyList<BackupPolicy> table = [];
        if (change.Table is { } text)
        {
            try
            {
                using var reader = new StringReader(text);
                table = PolicyCsv.Read(reader, change.TableName ?? "the table", book.Policies);
            }
            catch (DrException refusal)
            {
                reasons.Add($"{refusal.Message} {refusal.Hint}".Trim());
            }
        }

        reasons.AddRange(change.RemovePolicies.Where(name => book.Policies.All(p => p.Name != name)).Select(name => $"There is no policy '{name}' to remove."));
        reasons.AddRange(change.RemoveCalendars.Where(name => book.Calendars.All(c => c.Name != name)).Select(name => $"There is no calendar '{name}' to remove."));
        var wanted = table.Concat(change.Policies).ToArray();
        var policies = wanted.Concat(change.Replace && change.Table is not null ? [] : book.Policies.Where(p => wanted.All(w => w.Name != p.Name)))
            .Where(p => !change.RemovePolicies.Contains(p.Name, StringComparer.Ordinal));
        var calendars = change.Calendars.Concat(book.Calendars.Where(c => change.Calendars.All(w => w.Name != c.Name)))
            .Where(c => !change.RemoveCalendars.Contains(c.Name, StringComparer.Ordinal));
        return ([.. policies.OrderBy(p => p.Name, StringComparer.Ordinal)], [.. calendars.OrderBy(c => c.Name, StringComparer.Ordinal)]);
    }

    /// <summary>The hardest of the timers that its systems have; the defaults for systems that are not configured.</summary>
    private static PolicyTimers TimersOf(BackupPolicy policy, IReadOnlyCollection<SystemSettings> systems, Func<SystemSettings, PolicyTimers> timers)
    {
        var all = systems.Where(s => policy.Systems.Contains(s.Id)).Select(timers).ToArray();
        return all.Length == 0
            ? new PolicyTimers()
            : all.MaxBy(t => t.DetectionDeadline + (t.LeaseTtl ?? TimeSpan.Zero))! with { BeatPeriod = all.Max(t => t.BeatPeriod) };
    }

    private static IEnumerable<string> CheckSystems(BackupPolicy policy, IReadOnlyCollection<SystemSettings> systems)
    {
        foreach (var system in systems.Where(s => policy.Systems.Contains(s.Id)))
        {
            if (policy.Takeover == TakeoverClass.T && system.Volume is null)
            {
                yield return $"Policy {policy.Name}: {system.Id} has no volume and cannot be taken over as class T.";
            }

            if (policy.CopyMode is null && system.CopyMode == CopyMode.Delta)
            {
                foreach (var reason in PolicyRules.Check(policy with { CopyMode = CopyMode.Delta, Systems = [system.Id] }, new PolicyTimers { LeaseTtl = null }))
                {
                    yield return $"{reason} ({system.Id} is copied by deltas.)";
                }
            }
        }
    }

    private static IEnumerable<string> Advice(BackupPolicy policy, IReadOnlyCollection<SystemSettings> systems)
    {
        var unknown = policy.Systems.Where(id => systems.All(s => s.Id != id)).ToArray();
        if (unknown.Length > 0)
        {
            yield return $"Policy {policy.Name}: not in the configuration: {string.Join(", ", unknown)}; it waits for them.";
        }

        if (policy.Periods is { Differential: not null, Full: null })
        {
            yield return $"Policy {policy.Name}: differentials without a period for fulls are measured against one first full.";
        }

        if (policy.Retention.Keep is { } keep && policy.PointPeriod > TimeSpan.Zero && RetentionLimits.CountAskedFor(keep, policy.PointPeriod) is var asked && asked > PolicyRules.MostPoints)
        {
            yield return $"Policy {policy.Name}: its tiers ask for {asked} points and a volume holds {PolicyRules.MostPoints}: the points that lie densest for their age give way.";
        }

        if (policy.LossLimit > policy.Targets.Rpo)
        {
            yield return $"Policy {policy.Name}: a takeover may lose {RetentionText.Span(policy.LossLimit!.Value)} without a person, more than the RPO of {RetentionText.Span(policy.Targets.Rpo)}.";
        }

        if (policy.Approval == ApprovalMode.Person)
        {
            yield return $"Policy {policy.Name}: a takeover waits for a person; that time counts against the RTO of {RetentionText.Span(policy.Targets.Rto)}.";
        }
    }

    private static IEnumerable<PolicyDifference> Differences<T>(
        IReadOnlyCollection<T> before, IReadOnlyCollection<T> after, Func<T, string> name, string kind, Func<T, IReadOnlyDictionary<string, string?>> words)
    {
        foreach (var subject in before.Concat(after).Select(name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            var (was, wanted) = (before.FirstOrDefault(x => name(x) == subject), after.FirstOrDefault(x => name(x) == subject));
            if (was is null || wanted is null)
            {
                yield return new PolicyDifference($"{kind} {subject}", was is null ? "added" : "removed", was is null ? null : Text(words(was)), wanted is null ? null : Text(words(wanted)));
                continue;
            }

            var (old, now) = (words(was), words(wanted));
            foreach (var field in old.Keys.Union(now.Keys))
            {
                if (old.GetValueOrDefault(field) != now.GetValueOrDefault(field))
                {
                    yield return new PolicyDifference($"{kind} {subject}", field, old.GetValueOrDefault(field), now.GetValueOrDefault(field));
                }
            }
        }
    }

    private static string Text(IReadOnlyDictionary<string, string?> words) => string.Join("; ", words.Where(w => w.Value is { Length: > 0 }).Select(w => $"{w.Key} {w.Value}"));
}
