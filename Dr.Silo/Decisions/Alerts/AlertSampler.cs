using Dr.Contracts.Grains;
using Dr.Contracts.Mqtt;
using Dr.Silo.Decisions.Failover;

namespace Dr.Silo.Decisions.Alerts;

/// <summary>From what was found to values. Pure. Only what is not as it should be gives a sample; the rest is calm.</summary>
public static class AlertSampler
{
    private const int CertificatesNamed = 5;

    private static readonly TimeSpan BeforeTrialEnds = TimeSpan.FromMinutes(10);

    public static IReadOnlyList<AlertSample> Of(AlertFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        List<AlertSample> samples = [];
        foreach (var (subject, text) in facts.Lost)
        {
            samples.Add(new AlertSample { Kind = AlertKind.DependencyLost, Subject = subject, Value = 1, Text = text });
        }

        foreach (var site in facts.Sites.Where(s => s.MassSuspicion))
        {
            samples.Add(new AlertSample
            {
                Kind = AlertKind.DetectorBlind,
                Subject = $"site:{site.Id}",
                Value = 1,
                Since = site.Since,
                Text = $"{site.Silent.Count} of {site.Members.Count} devices of {site.Id} are silent at once; nobody there is judged until the common cause is known.",
                Causes = [.. facts.DeafBy.Select(lost => AlertSample.KeyOf(AlertKind.DependencyLost, lost))],
            });
        }

        foreach (var (device, text) in facts.BoundNotMet)
        {
            samples.Add(new AlertSample
            {
                Kind = AlertKind.DetectorBlind, Subject = $"device:{device}", Value = 1, Text = text, Causes = [.. facts.DeafBy.Select(lost => AlertSample.KeyOf(AlertKind.DependencyLost, lost))],
            });
        }

        foreach (var system in facts.Systems)
        {
            System(samples, facts, system);
        }

        foreach (var device in facts.Devices)
        {
            Device(samples, device);
        }

        foreach (var (device, seconds) in facts.SkewSeconds)
        {
            samples.Add(new AlertSample { Kind = AlertKind.ClockSkew, Subject = $"device:{device}", Value = seconds, Text = string.Create(CultureInfo.InvariantCulture, $"The clock of {device} is {seconds:0.##} s off.") });
        }

        Certificates(samples, facts);
        return samples;
    }

    /// <summary>One for each role: when nobody of a fleet reaches the control plane, one alert says so, and not thousands.</summary>
    private static void Certificates(List<AlertSample> samples, AlertFacts facts)
    {
        foreach (var role in facts.Certificates.GroupBy(c => c.Role, StringComparer.Ordinal))
        {
            var ending = role.OrderBy(c => c.NotAfter).ThenBy(c => c.Name, StringComparer.Ordinal).ToList();
            var named = string.Join(", ", ending.Take(CertificatesNamed).Select(c => $"{c.Name} ({(c.NotAfter > facts.At ? "ends" : "ended")} {c.NotAfter.UtcDateTime:yyyy-MM-dd HH:mm} UTC)"));
            samples.Add(new AlertSample
            {
                Kind = AlertKind.CertificateEnding,
                Subject = $"role:{role.Key}",
                Value = ending.Max(c => c.Used(facts.At)),
                Text = $"{ending.Count} certificate{(ending.Count == 1 ? "" : "s")} of role {role.Key} should have been renewed: {named}{(ending.Count > CertificatesNamed ? " and others" : "")}.",
            });
        }
    }

    private static void System(List<AlertSample> samples, AlertFacts facts, SystemView system)
    {
        var subject = $"system:{system.Id}";
        string[] outside =
        [
            .. facts.DeafBy.Select(lost => AlertSample.KeyOf(AlertKind.DependencyLost, lost)),
            AlertSample.KeyOf(AlertKind.DetectorBlind, $"site:{system.Home}"),
            AlertSample.KeyOf(AlertKind.DetectorBlind, $"site:{system.Peer}"),
        ];
        string[] own =
        [
            .. new[] { AlertKind.StaleWriter, AlertKind.CopiesDiverged, AlertKind.PersonAwaited, AlertKind.StepSlow, AlertKind.TrialUncommitted, AlertKind.PeerNotReady, AlertKind.SystemUnprotected }
                .Select(kind => AlertSample.KeyOf(kind, subject)),
        ];
        void Add(AlertKind kind, double value, string text, DateTimeOffset? since = null, params IEnumerable<string> causes) =>
            samples.Add(new AlertSample { Kind = kind, Subject = subject, Value = value, Text = text, Since = since, Causes = [.. causes] });

        if (system is { DataAgeSeconds: { } age, LossLimitSeconds: > 0 and var limit })
        {
            Add(AlertKind.RecoveryPointAge, age / limit, string.Create(CultureInfo.InvariantCulture, $"The copy of {system.Id} is {age:0.#} s behind; the objective is {limit:0.#} s."), null, [.. outside, .. own]);
        }

        if (Fails(system, "DataProtected") is { } unprotected)
        {
            Add(AlertKind.SystemUnprotected, 1, $"{system.Id} has no complete, followed copy: {unprotected.Reason}", unprotected.Since, [.. outside, .. own]);
        }

        if (Fails(system, "PeerReady") is { } notReady)
        {
            Add(AlertKind.PeerNotReady, 1, $"The other site cannot take {system.Id} over: {notReady.Reason}", notReady.Since, [.. outside, .. own]);
        }
        else if (facts.CapacityShort.TryGetValue(system.Id, out var full))
        {
            Add(AlertKind.PeerNotReady, 1, full, null, own);
        }

        if (facts.HistoryKept.TryGetValue(system.Id, out var kept))
        {
            Add(AlertKind.HistoryShort, 1 - kept, string.Create(CultureInfo.InvariantCulture, $"{system.Id} keeps {kept:P0} of the history that its policy promises."), null, own);
        }

        if (facts.StaleWriters.TryGetValue(system.Id, out var stale) && facts.At - stale.At < AlertFacts.StaleWriterSeen)
        {
            Add(AlertKind.StaleWriter, 1, stale.Text, stale.At);
        }

        if (facts.Drilled.TryGetValue(system.Id, out var drilled))
        {
            var kind = facts.SizeOf(system) >= AlertFacts.LargeBytes ? AlertKind.LargeDrillOverdue : AlertKind.DrillOverdue;
            var hours = (facts.At - drilled).TotalHours;
            Add(kind, hours, string.Create(CultureInfo.InvariantCulture, $"The last good drill of {system.Id} is {hours:0} h ago."));
        }

        Phased(system, Add, outside, facts.At);
        if (system.LiveRun is { } run)
        {
            Run(facts, system, run, Add, outside);
        }
    }

    private static void Phased(SystemView system, Adder add, string[] outside, DateTimeOffset now)
    {
        switch (system.Phase)
        {
            case nameof(Phase.Diverged):
                add(AlertKind.CopiesDiverged, 1, $"Both copies of {system.Id} went on separately: {system.Reason}", system.PhaseSince);
                break;
            case nameof(Phase.Held):
                add(AlertKind.AutomationOff, 1, $"Automation of {system.Id} is held{Until(system)}.", system.PhaseSince);
                break;
            case nameof(Phase.NeedsOperator):
                add(AlertKind.PersonAwaited, 1, $"{system.Id} waits for a person: {system.Reason}", system.PhaseSince, outside);
                break;
            case nameof(Phase.DrillCleaning):
                add(AlertKind.DrillNotCleaned, 1, $"The drill of {system.Id} is not cleaned up.", system.PhaseSince);
                break;
            case nameof(Phase.OnTrial):
                var late = system.Until is { } until && until - now <= BeforeTrialEnds;
                add(AlertKind.TrialUncommitted, late ? 2 : 1, $"The takeover of {system.Id} is on trial and not committed{Until(system)}.", system.PhaseSince);
                break;
        }
    }

    private static void Run(AlertFacts facts, SystemView system, RunView run, Adder add, string[] outside)
    {
        if (run.State == RunState.WaitingForApproval)
        {
            add(AlertKind.PersonAwaited, 1, $"The {run.Kind} of {system.Id} to {run.To} waits for an approval.", system.PhaseSince, outside);
            return;
        }

        if (run.State != RunState.Running || run.Steps.LastOrDefault(s => s.State == StepState.Intended) is not { } step)
        {
            return;
        }

        var seconds = (facts.At - step.StartedAt).TotalSeconds;
        var over = Enum.TryParse<Phase>(system.Phase, out var phase) && facts.At - system.PhaseSince > Budgets.Of(phase);
        if (over || facts.StepSeconds.TryGetValue($"{run.Kind}/{step.Step}", out _))
        {
            // Below a second the clock's grain and the beats' pace are what is measured.
            var usual = Math.Max(1, facts.StepSeconds.GetValueOrDefault($"{run.Kind}/{step.Step}", 1));
            var times = seconds / usual;
            add(
                AlertKind.StepSlow,
                over ? Math.Max(times, AlertRules.Of(AlertKind.StepSlow).Critical + 1) : times,
                string.Create(CultureInfo.InvariantCulture, $"{step.Step} at {step.Target} of the {run.Kind} of {system.Id} runs for {seconds:0.#} s{(over ? $", and {system.Phase} is over its budget" : $"; {usual:0.#} s are usual")}."),
                null,
                outside);
        }
    }

    private static void Device(List<AlertSample> samples, DeviceView device)
    {
        var worst = device.Volumes.Select(v => v.Space).DefaultIfEmpty().Max();
        if (worst != SpaceLevel.Ample)
        {
            samples.Add(new AlertSample
            {
                Kind = AlertKind.DiskFilling,
                Subject = $"device:{device.Id}",
                Value = worst == SpaceLevel.Warning ? 1 : 2,
                Text = worst switch
                {
                    SpaceLevel.Warning => $"The disk of {device.Id} is full within days.",
                    SpaceLevel.Critical => $"The disk of {device.Id} is full within a day.",
                    _ => $"The disk of {device.Id} is full: writes are refused.",
                },
            });
        }
    }

    private static Condition? Fails(SystemView system, string kind) => system.Conditions.FirstOrDefault(c => c.Kind == kind && c.Holds == false);

    private static string Until(SystemView system) => system.Until is { } until ? $" until {until.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC" : "";

    private delegate void Adder(AlertKind kind, double value, string text, DateTimeOffset? since = null, params IEnumerable<string> causes);
}
