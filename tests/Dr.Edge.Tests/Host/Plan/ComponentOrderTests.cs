using Dr.Edge.Host.Config;
using Dr.Edge.Host.Plan;

namespace Dr.Edge.Tests.Host.Plan;

public sealed class ComponentOrderTests
{
    [Fact]
    public void What_is_needed_comes_first_and_the_rest_stays_as_written()
    {
        var (order, cycle) = ComponentOrder.Of([Make("web", "app"), Make("mail"), Make("app", "db"), Make("db")]);
        order.Select(c => c.Name).ShouldBe(["db", "app", "web", "mail"]);
        cycle.ShouldBeEmpty();
    }

    [Fact]
    public void A_circle_is_named_without_what_only_leads_to_it()
    {
        var (order, cycle) = ComponentOrder.Of([Make("web", "app"), Make("app", "cache"), Make("cache", "app")]);
        order.ShouldBeEmpty();
        cycle.ShouldBe(["app", "cache", "app"]);
    }

    [Fact]
    public void A_component_that_needs_itself_is_a_circle() => ComponentOrder.Of([Make("app", "app")]).Cycle.ShouldBe(["app", "app"]);

    private static ComponentOptions Make(string name, params string[] dependsOn) => new() { Name = name, DependsOn = [.. dependsOn] };
}
