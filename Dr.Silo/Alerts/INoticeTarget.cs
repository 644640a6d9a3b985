namespace Dr.Silo.Alerts;

/// <summary>Somebody or something that is told of alerts.</summary>
internal interface INoticeTarget
{
    /// <summary>Stands in the outbox: stable over restarts, and without secrets.</summary>
    string Name { get; }

    /// <summary>Whether it can be told while the database is away.</summary>
    bool WorksAlone { get; }

    /// <summary>Null = told; otherwise why not, and it is tried again. May come twice with the same id.</summary>
    Task<string?> TellAsync(string id, string body, CancellationToken cancellationToken);
}
