using Dr.Edge.Enrolment;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Enrolment;

/// <summary>When a device asks for its next certificate. Pure.</summary>
public sealed class RenewalTests
{
    private static readonly DateTimeOffset Renew = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly DeviceIdentity Identity = new() { Device = "kiosk-1", Role = "kiosk", Silos = ["https://silo:8480"], NotAfter = Renew.AddDays(30), RenewAfter = Renew };

    [Fact]
    public void Devices_that_enrolled_together_ask_spread_over_a_twentieth_of_the_time_that_is_left()
    {
        RenewalService.Pause(Identity, Renew.AddHours(-1), 0, random: 0).ShouldBe(TimeSpan.FromHours(1));
        RenewalService.Pause(Identity, Renew.AddHours(-1), 0, random: 0.5).ShouldBe(TimeSpan.FromHours(1) + TimeSpan.FromDays(0.75));
        RenewalService.Pause(Identity, Renew.AddDays(2), 0, random: 0.99).ShouldBe(TimeSpan.Zero, "it is late");
        RenewalService.Pause(Identity, Renew.AddDays(-60), 0, random: 0).ShouldBe(TimeSpan.FromDays(1), "a timer reaches no further");
    }

    [Fact]
    public void After_a_failure_it_asks_again_within_the_hour_and_the_more_often_the_less_is_left()
    {
        RenewalService.Pause(Identity, Renew, 1, random: 1).ShouldBe(TimeSpan.FromHours(1));
        RenewalService.Pause(Identity, Identity.NotAfter.AddMinutes(-20), 5, random: 1).ShouldBe(TimeSpan.FromMinutes(1));
        RenewalService.Pause(Identity, Identity.NotAfter.AddDays(1), 5, random: 1).ShouldBe(TimeSpan.FromSeconds(1));
        RenewalService.Pause(Identity, Renew, 1, random: 0).ShouldBe(TimeSpan.FromMinutes(30), "not all at once");
    }

    [Fact]
    public void A_certificate_that_was_not_renewed_is_a_problem_well_before_its_end_and_none_any_more_once_it_is()
    {
        var time = new FakeTimeProvider(Renew);
        var state = new CertificateState(time);
        (state.Problem, state.Left).ShouldBe((null, null), "it has not enrolled");
        state.Holds(Identity);
        state.Failed("nobody answers");
        time.Advance(TimeSpan.FromDays(11));
        (state.Problem, state.Left, state.Failures).ShouldBe((null, TimeSpan.FromDays(19), 1), "there is time");
        time.Advance(TimeSpan.FromDays(1.1));
        state.Problem.ShouldBe("the certificate of this device ends at 2026-03-31 00:00 UTC and was not renewed: nobody answers");
        time.Advance(TimeSpan.FromDays(18));
        state.Problem.ShouldNotBeNull().ShouldContain("ended at 2026-03-31");
        state.Renewed(Identity with { NotAfter = Renew.AddDays(90), RenewAfter = Renew.AddDays(60) });
        (state.Problem, state.Failures, state.Trouble).ShouldBe((null, 0, null));
    }
}
