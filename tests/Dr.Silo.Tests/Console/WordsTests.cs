using Dr.Silo.WebConsole.Text;

namespace Dr.Silo.Tests.WebConsole;

public sealed class WordsTests
{
    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(0.01, "< 0.1 s")]
    [InlineData(0.4, "0.4 s")]
    [InlineData(9.94, "9.9 s")]
    [InlineData(9.96, "10 s")]
    [InlineData(59.4, "59 s")]
    [InlineData(59.6, "1 min")]
    [InlineData(200, "3 min 20 s")]
    [InlineData(1700, "28 min")]
    [InlineData(7500, "2 h 5 min")]
    [InlineData(273_600, "3 d 4 h")]
    [InlineData(double.NaN, "an unknown time")]
    [InlineData(-3, "0 s")]
    public void Durations_have_two_units_at_most(double seconds, string text) => Words.Duration(seconds).ShouldBe(text);

    [Theory]
    [InlineData(0, "now")]
    [InlineData(-0.9, "now")]
    [InlineData(1, "1 s ago")]
    [InlineData(95, "1 min 35 s ago")]
    [InlineData(-1680, "in 28 min")]
    public void Ages_say_which_way(double secondsAgo, string text) => Words.Age(Views.Now.AddSeconds(-secondsAgo), Views.Now).ShouldBe(text);

    [Theory]
    [InlineData(512, "512 B")]
    [InlineData(1_610_612_736, "1.5 GiB")]
    [InlineData(209_715_200, "200 MiB")]
    public void Sizes_are_binary(long bytes, string text) => Words.Size(bytes).ShouldBe(text);

    [Theory]
    [InlineData("CatchingUp", "catching up")]
    [InlineData("predictedLossSeconds", "predicted loss seconds")]
    [InlineData("already plain Text", "already plain Text")]
    [InlineData("", "")]
    public void Names_become_words(string name, string text) => Words.Plain(name).ShouldBe(text);

    [Fact]
    public void Every_phase_of_the_machine_has_a_label_and_a_meaning()
    {
        foreach (var phase in Enum.GetNames<Dr.Contracts.Grains.Phase>())
        {
            PhaseText.Of(phase).Meaning.ShouldNotBeEmpty(phase);
        }
    }

    [Fact]
    public void A_phase_that_is_not_known_is_shown_by_its_name() => PhaseText.Of("SomethingNew").ShouldBe(new PhaseText("Something new", "", Tone.Idle));
}
