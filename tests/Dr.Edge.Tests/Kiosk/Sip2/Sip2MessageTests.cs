using CsCheck;
using Dr.Edge.Kiosk.Sip2;

namespace Dr.Edge.Tests.Kiosk.Sip2;

public sealed class Sip2MessageTests
{
    private static readonly DateTime Now = new(2026, 11, 28, 21, 5, 7, DateTimeKind.Unspecified);

    /// <summary>Messages as they are published in guides to the protocol.</summary>
    [Theory]
    [InlineData("941AY3AZFDFA", "94", "1", '3')]
    [InlineData("9900302.00AY1AZFCA5", "99", "00302.00", '1')]
    public void Published_examples_are_read_and_written_as_they_are(string text, string command, string fixedFields, char sequence)
    {
        var message = Sip2Message.Parse(text)!;
        (message.Command, message.Fixed, message.Sequence).ShouldBe((command, fixedFields, sequence));
        message.ToString().ShouldBe(text);
    }

    [Theory]
    [InlineData("9300CNLoginUserID|COLoginPassword|CPLocationCode|AY5AZEC7C")]
    [InlineData("9")]
    [InlineData("00")]
    [InlineData("11YN2026")]
    [InlineData("GET / HTTP/1.1")]
    public void What_is_no_message_or_has_a_wrong_checksum_is_not_taken(string text) => Sip2Message.Parse(text).ShouldBeNull();

    [Fact]
    public void What_is_written_is_read_again_and_no_flipped_character_passes_the_checksum()
    {
        var text = Gen.String[Gen.Char[' ', '~'].Where(c => c != '|'), 0, 20];
        Gen.Select(text.Array[0, 4], Gen.Char['0', '9'], Gen.Int[0, 1000], Gen.Char[' ', '~']).Sample(
            (values, sequence, at, other) =>
            {
                var message = new Sip2Message("29", $"NN{Sip2Message.DateOf(Now)}{Sip2Message.DateOf(Now)}", [.. values.Select((v, i) => ($"A{(char)('A' + i)}", v))], sequence);
                var written = message.ToString();
                Sip2Message.Parse(written)!.ToString().ShouldBe(written);
                at %= written.Length - 9;
                if (written[at] != other)
                {
                    Sip2Message.Parse(written[..at] + other + written[(at + 1)..]).ShouldBeNull();
                }
            },
            iter: 10_000);
    }

    [Fact]
    public void A_loan_becomes_a_no_block_transaction_of_when_it_happened_with_the_due_date_that_was_told()
    {
        var loan = Sip2Message.Parse("11YN20261128    200000                  AOmain|AA2100001|AB044005|AC|AY1AZ0000"[..^9] + "")!;
        var stored = Sip2OffLine.NoBlock(loan, Now, TimeSpan.FromDays(28), "XI", "id1");
        stored.Fixed.ShouldBe("YY20261128    20000020261226    235959");
        stored["XI"].ShouldBe("id1");
        var told = Sip2OffLine.Answer(loan, Now, TimeSpan.FromDays(28), "home", TimeSpan.FromSeconds(5));
        (told.Command, told.Fixed, told["AH"], told["AO"]).ShouldBe(("12", "1NUY20261128    210507", "20261226    235959", "main"));
        Sip2OffLine.NoBlock(Sip2Message.Parse("09N                                    APx|AOmain|AB044005|AC|")!, Now, TimeSpan.FromDays(28), "", "id2").ToString().ShouldBe("09Y20261128    21050720261128    210507APx|AOmain|AB044005|AC|");
    }

    /// <summary>Every answer that is given off line is a message of the right kind and length.</summary>
    [Theory]
    [InlineData("9300CNa|COb|", "94")]
    [InlineData("9900802.00", "98")]
    [InlineData("2300020261128    210507AOmain|AA1|AC|AD|", "24")]
    [InlineData("6300020261128    210507Y         AOmain|AA1|", "64")]
    [InlineData("3520261128    210507AOmain|AA1|", "36")]
    [InlineData("1720261128    210507AOmain|AB1|", "18")]
    [InlineData("3720261128    2105070100CNYBV1|AOmain|AA1|", "38")]
    [InlineData("6520261128    210507AOmain|AA1|", "66")]
    [InlineData("15+20261128    210507AOmain|AA1|", "16")]
    public void Every_answer_given_off_line_is_well_formed(string question, string answer)
    {
        var asked = Sip2Message.Parse(question)!;
        var given = Sip2Message.Parse(Sip2OffLine.Answer(asked, Now, TimeSpan.FromDays(1), "home", TimeSpan.FromSeconds(5)).ToString())!;
        given.Command.ShouldBe(answer);
        Sip2OffLine.IsAnswerTo(asked, given).ShouldBeTrue();
    }
}
