using Orleans.Concurrency;

namespace Dr.Contracts.Grains;

/// <summary>All alerts, key = <see cref="Key"/>: evaluates, keeps, and puts what is to be told into the outbox of notices. Questions interleave: they only read what is stored.</summary>
[Alias("dr.IAlertGrain")]
public interface IAlertGrain : IGrainWithStringKey
{
    const string Key = "alerts";

    /// <summary>One round, by every silo's clock; a round that follows another at once changes nothing.</summary>
    [Alias("Evaluate")]
    Task EvaluateAsync(IReadOnlyDictionary<string, string> lost);

    [Alias("Get"), AlwaysInterleave]
    Task<AlertsView> GetAsync();

    /// <summary>False: no such alert fires.</summary>
    [Alias("Acknowledge")]
    Task<bool> AcknowledgeAsync(string alert, AlertOrder order);

    /// <summary>Id of the silence.</summary>
    [Alias("Silence")]
    Task<string> SilenceAsync(string? kind, string? subject, AlertOrder order);

    /// <summary>False: there is none of that id.</summary>
    [Alias("EndSilence")]
    Task<bool> EndSilenceAsync(string silence);
}

/// <summary>Who, why and until when.</summary>
[GenerateSerializer, Immutable, Alias("dr.AlertOrder")]
public sealed record AlertOrder
{
    [Id(0)] public required string Actor { get; init; }

    [Id(1)] public required string Reason { get; init; }

    [Id(2)] public required DateTimeOffset Until { get; init; }
}

[GenerateSerializer, Immutable, Alias("dr.AlertsView")]
public sealed record AlertsView
{
    [Id(0)] public required DateTimeOffset At { get; init; }

    /// <summary>Those that stand for themselves, worst first, each with what is folded into it.</summary>
    [Id(1)] public IReadOnlyList<AlertView> Alerts { get; init; } = [];

    [Id(2)] public IReadOnlyList<SilenceView> Silences { get; init; } = [];
}

/// <summary>One alert as people see it.</summary>
[GenerateSerializer, Immutable, Alias("dr.AlertView")]
public sealed record AlertView
{
    /// <summary>This occurrence; the same raised again later is another.</summary>
    [Id(0)] public required string Id { get; init; }

    [Id(1)] public required string Kind { get; init; }

    [Id(2)] public required string Subject { get; init; }

    /// <summary>Worst of the alert itself and of what is folded into it.</summary>
    [Id(3)] public required Severity Level { get; init; }

    [Id(4)] public required string Title { get; init; }

    /// <summary>One sentence with the figures.</summary>
    [Id(5)] public required string Text { get; init; }

    [Id(6)] public required double Value { get; init; }

    [Id(7)] public required DateTimeOffset RaisedAt { get; init; }

    /// <summary>Page of <c>deploy/runbooks</c>.</summary>
    [Id(8)] public required string Runbook { get; init; }

    /// <summary>Texts of what this one explains.</summary>
    [Id(9)] public IReadOnlyList<AlertView> Explains { get; init; } = [];

    [Id(10)] public AlertOrder? Acknowledged { get; init; }

    /// <summary>Covered by a silence.</summary>
    [Id(11)] public bool Silenced { get; init; }
}

[GenerateSerializer, Immutable, Alias("dr.SilenceView")]
public sealed record SilenceView
{
    [Id(0)] public required string Id { get; init; }

    [Id(1)] public string? Kind { get; init; }

    [Id(2)] public string? Subject { get; init; }

    [Id(3)] public required AlertOrder Order { get; init; }
}
