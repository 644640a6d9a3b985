using Dr.Contracts.Errors;
using Dr.Contracts.Ids;
using Dr.Edge.Kiosk.Sip2;

namespace Dr.Edge.Tests.Kiosk.Sip2;

/// <summary>Whom a kiosk may ask. Pure.</summary>
public sealed class Sip2RouteTests
{
    private static readonly Sip2Config Config = new()
    {
        Listen = "127.0.0.1:0", System = "dilas", Servers = ["moves:1"], Sites = new() { ["production"] = ["p:1", "p:2"], ["backup"] = ["b:1"] },
    };

    [Theory]
    [InlineData("production", true, "p:1 p:2 moves:1")]
    [InlineData("backup", true, "b:1 moves:1")]
    [InlineData("elsewhere", true, "moves:1")]
    [InlineData("backup", false, "b:1 moves:1 p:1 p:2")]
    [InlineData(null, true, "moves:1 p:1 p:2 b:1")]
    [InlineData(null, false, "moves:1 p:1 p:2 b:1")]
    public void While_the_control_plane_is_heard_only_the_site_that_it_decided_for_is_asked(string? active, bool isHeard, string servers) =>
        string.Join(' ', Sip2Route.Of(Config, active is null ? null : new SiteId(active), isHeard)).ShouldBe(servers);

    [Fact]
    public void Sites_without_the_system_that_decides_between_them_are_refused_and_so_is_the_reverse()
    {
        Config.Check();
        Should.Throw<DrException>(() => new Sip2Config { Listen = "127.0.0.1:0", Sites = Config.Sites }.Check()).Message.ShouldContain("system");
        Should.Throw<DrException>(() => new Sip2Config { Listen = "127.0.0.1:0", Servers = ["a:1"], System = "dilas" }.Check()).Message.ShouldContain("sites");
    }
}
