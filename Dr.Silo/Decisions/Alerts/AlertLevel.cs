namespace Dr.Silo.Decisions.Alerts;

public enum AlertLevel
{
    None,
    Warning,
    Critical,
}
