namespace Dr.Silo.WebConsole.Outlook;

/// <summary>What a takeover of one system now would be like, from its conditions and figures, never from its phase.</summary>
public sealed record TakeoverOutlook
{
    private const int ShortNameMax = 20;

    public required SystemView System { get; init; }

    /// <summary>Null = not known.</summary>
    public required bool? Possible { get; init; }

    /// <summary>Why not, or why it is not known; null when it is possible.</summary>
    public string? Because { get; init; }

    /// <summary>Null = not known.</summary>
    public double? LossSeconds { get; init; }

    /// <summary>The loss is known to be above what policy takes without a person.</summary>
    public bool LossAboveLimit { get; init; }

    /// <summary>Null before the first takeover.</summary>
    public double? ForecastSeconds { get; init; }

    /// <summary>The site that would take over.</summary>
    public SiteId Destination => System.Site == System.Home ? System.Peer : System.Home;

    /// <summary>The name, or the id where the name would crowd a sentence.</summary>
    public string ShortName => ShortNameOf(System);

    public static string ShortNameOf(SystemView system)
    {
        ArgumentNullException.ThrowIfNull(system);
        return system.Name.Length is > 0 and <= ShortNameMax ? system.Name : system.Id.Value;
    }

    public static TakeoverOutlook Of(SystemView system)
    {
        ArgumentNullException.ThrowIfNull(system);
        var hasData = system.Volume is not null;
        var dataProtected = hasData ? Find(system, "DataProtected") : null;
        var peerReady = Find(system, "PeerReady");
        var unmet = new[] { dataProtected, peerReady }.FirstOrDefault(c => c is { Holds: false });
        var unknown = new[] { dataProtected, peerReady }.FirstOrDefault(c => c is { Holds: null });
        bool? possible = unmet is not null ? false
            : unknown is not null || peerReady is null || (hasData && dataProtected is null) ? null
            : true;
        var loss = hasData ? system.PredictedLossSeconds : 0;
        return new TakeoverOutlook
        {
            System = system,
            Possible = possible,
            Because = possible switch
            {
                true => null,
                false => unmet!.Reason,
                null => unknown?.Reason ?? $"nothing is known about {(peerReady is null ? "the other site's readiness" : "the copy")} yet",
            },
            LossSeconds = loss,
            LossAboveLimit = loss is { } l && system.LossLimitSeconds is { } limit && l > limit,
            ForecastSeconds = system.ForecastSeconds,
        };
    }

    private static Condition? Find(SystemView system, string kind) =>
        system.Conditions.FirstOrDefault(c => string.Equals(c.Kind, kind, StringComparison.Ordinal));
}
