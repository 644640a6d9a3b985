using Dr.Silo.WebConsole.Text;

namespace Dr.Silo.WebConsole.Actions;

/// <summary>What a person may do about an alert from the page. Pure.</summary>
public static class AlertActions
{
    public static OperatorAction Acknowledge(AlertView alert)
    {
        ArgumentNullException.ThrowIfNull(alert);
        return new OperatorAction
        {
            Verb = "acknowledge",
            Label = alert.Acknowledged is null ? "Acknowledge" : "Acknowledge again",
            Url = $"/api/v1/alerts/{Uri.EscapeDataString(alert.Id)}/acknowledge",
            Question = $"Are you on it: {alert.Title} ({alert.Subject})?",
            Duration = "1h",
            Tone = Tone.Idle,
            Consequences = ["Nobody is told of it again before the time is over.", "If it gets worse, everybody is told at once.", $"What to do is in deploy/runbooks/{alert.Runbook}."],
        };
    }
}
