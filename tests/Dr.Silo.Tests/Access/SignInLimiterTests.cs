using Dr.Silo.Access;

namespace Dr.Silo.Tests.Access;

public sealed class SignInLimiterTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_name_is_stopped_wherever_the_guesses_come_from_and_comes_back_after_the_window()
    {
        var limiter = new SignInLimiter();
        for (var i = 0; i < AccessLimits.FailuresPerName; i++)
        {
            limiter.WaitFor("ann", $"10.0.0.{i}", Start).ShouldBeNull();
            limiter.Failed(i % 2 == 0 ? "ann" : "ANN", $"10.0.0.{i}", Start.AddSeconds(i));
        }

        limiter.WaitFor("ann", "10.9.9.9", Start.AddMinutes(1)).ShouldBe(AccessLimits.FailureWindow - TimeSpan.FromMinutes(1));
        limiter.WaitFor("bob", "10.9.9.9", Start.AddMinutes(1)).ShouldBeNull();
        limiter.WaitFor("ann", "10.9.9.9", Start + AccessLimits.FailureWindow).ShouldBeNull();
    }

    [Fact]
    public void An_address_that_tries_many_names_is_stopped_and_one_good_password_does_not_clear_it()
    {
        var limiter = new SignInLimiter();
        for (var i = 0; i < AccessLimits.FailuresPerAddress; i++)
        {
            limiter.Failed($"user{i}", "10.0.0.1", Start);
        }

        limiter.Succeeded("user0");
        limiter.WaitFor("user0", "10.0.0.1", Start).ShouldNotBeNull();
        limiter.WaitFor("user0", "10.0.0.2", Start).ShouldBeNull();
    }

    [Fact]
    public void Passwords_verify_against_their_own_hash_only()
    {
        var stored = PasswordHash.Make("correct horse battery", 1000);

        stored.ShouldStartWith("pbkdf2-sha256$1000$");
        PasswordHash.Verify(stored, "correct horse battery").ShouldBeTrue();
        PasswordHash.Verify(stored, "correct horse batterz").ShouldBeFalse();
        PasswordHash.Verify(stored.Replace("$1000$", "$1001$", StringComparison.Ordinal), "correct horse battery").ShouldBeFalse();
        PasswordHash.Verify("plain", "plain").ShouldBeFalse();
        PasswordHash.Make("correct horse battery", 1000).ShouldNotBe(stored, "each has a salt of its own");
    }
}
