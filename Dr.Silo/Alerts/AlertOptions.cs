namespace Dr.Silo.Alerts;

/// <summary>Where alerts are told, as the command line says. They are in the API, the console and the metrics either way.</summary>
public sealed record AlertOptions
{
    /// <summary>Each gets a POST with the notice as JSON and its id as Idempotency-Key.</summary>
    public IReadOnlyList<string> Webhooks { get; init; } = [];

    /// <summary>Each is run with the notice as JSON on its standard input; exit status 0 = told.</summary>
    public IReadOnlyList<string> Commands { get; init; } = [];
}
