using Dr.Contracts.Cli;
using Dr.Contracts.Errors;

namespace Dr.Contracts.Tests.Cli;

public sealed class QuantitiesTests
{
    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("512MiB", 512L << 20)]
    [InlineData("1.5GiB", 3L << 29)]
    [InlineData("2 TB", 2_000_000_000_000)]
    [InlineData("7mib", 7L << 20)]
    public void Sizes_are_read_as_people_write_them(string text, long bytes) => Quantities.ParseSize(text, "size").ShouldBe(bytes);

    [Theory]
    [InlineData("")]
    [InlineData("big")]
    [InlineData("-1GiB")]
    [InlineData("9000000000TiB")]
    [InlineData("1e3")]
    public void What_is_not_a_size_is_refused_with_a_hint(string text) =>
        Should.Throw<DrException>(() => Quantities.ParseSize(text, "size")).Hint.ShouldNotBeNull();

    [Theory]
    [InlineData("500ms", 500)]
    [InlineData("10s", 10_000)]
    [InlineData("5m", 300_000)]
    [InlineData("1.5h", 5_400_000)]
    [InlineData("1d", 86_400_000)]
    public void Durations_are_read_as_people_write_them(string text, double milliseconds) => Quantities.ParseDuration(text, "period").TotalMilliseconds.ShouldBe(milliseconds);

    [Theory]
    [InlineData("10")]
    [InlineData("soon")]
    [InlineData("-5s")]
    [InlineData("99999999d")]
    public void What_is_not_a_duration_is_refused_with_its_place(string text) =>
        Should.Throw<DrException>(() => Quantities.ParseDuration(text, "systems: dilas: trial")).Message.ShouldContain("systems: dilas: trial");
}
