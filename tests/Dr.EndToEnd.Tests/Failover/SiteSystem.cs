namespace Dr.EndToEnd.Tests.Failover;

/// <summary>A business system of the test's two sites.</summary>
/// <param name="Edge">A further line of its entry at both sites.</param>
/// <param name="More">Further lines of its entry at the control plane.</param>
internal sealed record SiteSystem(string Id, string Class = "T", string Home = TwoSites.Production, bool Volume = true, string Copy = "stream", string? Edge = null, params string[] More);
