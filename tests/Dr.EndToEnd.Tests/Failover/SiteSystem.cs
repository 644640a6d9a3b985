namespace Dr.EndToEnd.Tests.Failover;

/// <summary>A business system of the test's two sites.</summary>
/// <param name="More">Further lines of its entry at the control plane.</param>
internal sealed record SiteSystem(string Id, string Class = "T", string Home = TwoSites.Production, bool Volume = true, string Copy = "stream", params string[] More);
