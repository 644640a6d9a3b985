using Dr.Edge.Link;

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>Which servers of the library system may be asked now: those of the site that the control plane has decided for.</summary>
internal sealed class Sip2Route(Sip2Config config, LinkState link)
{
    /// <summary>In the order to try.</summary>
    public IReadOnlyList<string> Servers() => Of(config, config.System is { } system && link.Config.ActiveSites.TryGetValue(new SystemId(system), out var active) ? active.Site : null, link.Connected);

    /// <summary>
    /// While the control plane is heard, its word binds: a server of another site may answer and yet be the one that was left, or not be the one yet. Out of its reach the last word may be old, so whoever says that it is on line
    /// is asked, the last known site first. A kiosk that was never told asks everybody. Pure.
    /// </summary>
    /// <param name="active">The site that the system is at by the last word; null when there was none.</param>
    internal static IReadOnlyList<string> Of(Sip2Config config, SiteId? active, bool isHeard)
    {
        var own = active is { } site ? config.Sites.GetValueOrDefault(site.Value) ?? [] : [];
        var others = active is not null && isHeard ? [] : config.Sites.Values.SelectMany(servers => servers);
        return [.. own.Concat(config.Servers).Concat(others).Distinct(StringComparer.Ordinal)];
    }
}
