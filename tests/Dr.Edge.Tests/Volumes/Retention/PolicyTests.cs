using Dr.Contracts.Errors;
using Dr.Edge.Hosting;
using Dr.Edge.Volumes;
using Dr.Edge.Volumes.Retention;

namespace Dr.Edge.Tests.Volumes.Retention;

public sealed class PolicyTests
{
    [Theory]
    [InlineData("24h:5m,7d:1h,30d:1d", "1d:5m,7d:1h,30d:1d")]
    [InlineData(" 90m : 30s ", "90m:30s")]
    public void Tiers_read_as_they_are_written(string text, string written)
    {
        var tiers = RetentionText.ParseTiers(text, "test");
        PolicyRules.Check(new VolumePolicy { Keep = tiers });
        RetentionText.Tiers(tiers).ShouldBe(written);
        RetentionText.ParseTiers(written, "test").ShouldBe(tiers);
    }

    [Theory]
    [InlineData("")]
    [InlineData("24h")]
    [InlineData("24h:5m:1s")]
    [InlineData("7d:1h,24h:5m")]
    [InlineData("7d:1h,30d:5m")]
    [InlineData("1m:5m")]
    [InlineData("9000d:1d")]
    [InlineData("24h:10ms")]
    public void Tiers_that_cannot_be_followed_are_refused_with_a_hint(string text) =>
        Should.Throw<DrException>(() => PolicyRules.Check(new VolumePolicy { Keep = RetentionText.ParseTiers(text, "--keep") })).Hint.ShouldNotBeNull();

    [Fact]
    public void Spans_that_make_no_sense_are_refused()
    {
        Should.Throw<DrException>(() => PolicyRules.Check(new VolumePolicy { FineWindow = TimeSpan.FromMinutes(4) }));
        Should.Throw<DrException>(() => PolicyRules.Check(new VolumePolicy { PointsEvery = TimeSpan.FromMilliseconds(10) }));
        Should.Throw<DrException>(() => PolicyRules.Check(new VolumePolicy { KeepManual = TimeSpan.FromDays(9999) }));
        Should.Throw<DrException>(() => PolicyText.ParseWhenFull("perhaps", "--when-full"));
    }

    [Fact]
    public void The_volumes_own_policy_wins_part_by_part()
    {
        var defaults = new PointsConfig { Every = "10m", FineWindow = "48h", WhenFull = "history-gives-way" }.ToPolicy();
        var policy = defaults.With(new VolumePolicy { PointsEvery = TimeSpan.FromMinutes(1) });
        policy.PointsEvery.ShouldBe(TimeSpan.FromMinutes(1));
        policy.FineWindow.ShouldBe(TimeSpan.FromHours(48));
        policy.WhenFull.ShouldBe(FullPolicy.HistoryGivesWay);
        policy.Keep.ShouldBe(EffectivePolicy.BuiltIn.Keep);
    }

    [Fact]
    public void A_configuration_in_the_old_form_still_reads_and_a_wrong_one_does_not()
    {
        EdgeConfigFile.Parse("points:\n  every: 5m\n  keep: 200\n", "test").Points.ToPolicy().Keep.ShouldBe(EffectivePolicy.BuiltIn.Keep);
        EdgeConfigFile.Parse("points:\n  keep: 24h:10m,7d:1h\n", "test").Points.ToPolicy().Keep.Count.ShouldBe(2);
        Should.Throw<DrException>(() => EdgeConfigFile.Parse("points:\n  keep: often\n", "test").Points.ToPolicy());
    }

    [Fact]
    public void Tiers_beyond_what_a_volume_holds_are_allowed_and_said() =>
        PolicyRules.Advice(EffectivePolicy.BuiltIn with { PointsEvery = TimeSpan.FromMinutes(5), Keep = RetentionText.ParseTiers("24h:5m,7d:1h", "test") })!.ShouldContain("432");
}
