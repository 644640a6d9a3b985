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

internal static class NoticeTelling
{
    /// <summary>As <see cref="INoticeTarget.TellAsync"/>; whatever a target throws is why it was not told: one target's trouble must not keep the others from hearing.</summary>
    public static async Task<string?> TryTellAsync(this INoticeTarget target, string id, string body, CancellationToken cancellationToken)
    {
        try
        {
            return await target.TellAsync(id, body, cancellationToken);
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            return $"{e.GetType().Name}: {e.Message}";
        }
    }
}
