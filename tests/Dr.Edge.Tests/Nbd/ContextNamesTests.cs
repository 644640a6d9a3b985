using Dr.Edge.Nbd.Contexts;

namespace Dr.Edge.Tests.Nbd;

public sealed class ContextNamesTests
{
    private static readonly string[] Points = ["p1", "p2"];

    [Theory]
    [InlineData("", "base:allocation qemu:allocation-depth qemu:dirty-bitmap:p1 qemu:dirty-bitmap:p2")]
    [InlineData("base:", "base:allocation")]
    [InlineData("base:allocation", "base:allocation")]
    [InlineData("qemu:allocation-depth", "qemu:allocation-depth")]
    [InlineData("qemu:", "qemu:allocation-depth qemu:dirty-bitmap:p1 qemu:dirty-bitmap:p2")]
    [InlineData("qemu:dirty-bitmap:", "qemu:dirty-bitmap:p1 qemu:dirty-bitmap:p2")]
    [InlineData("qemu:dirty-bitmap:p2", "qemu:dirty-bitmap:p2")]
    [InlineData("qemu:dirty-bitmap:p2 qemu:", "qemu:allocation-depth qemu:dirty-bitmap:p1 qemu:dirty-bitmap:p2")]
    [InlineData("qemu:dirty-bitmap:label", "qemu:dirty-bitmap:label")]
    [InlineData("qemu:dirty-bitmap:p3", "")]
    [InlineData("base:allocations", "")]
    [InlineData("qemu", "")]
    [InlineData("x-other: base:other", "")]
    public void Queries_mean_what_the_protocol_says(string queries, string expected) =>
        string.Join(' ', ContextNames.Matching(queries.Split(' ', StringSplitOptions.RemoveEmptyEntries), Points, point => point == "label")).ShouldBe(expected);

    [Theory]
    [InlineData("qemu:dirty-bitmap:p1", "p1")]
    [InlineData("qemu:dirty-bitmap:a label: with colons", "a label: with colons")]
    [InlineData("qemu:dirty-bitmap:", null)]
    [InlineData("qemu:", null)]
    [InlineData("base:allocation", null)]
    public void Only_whole_names_select_a_point(string name, string? point) => ContextNames.PointOf(name).ShouldBe(point);
}
