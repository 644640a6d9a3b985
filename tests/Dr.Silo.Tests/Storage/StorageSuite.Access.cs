using Dr.Silo.Access;
using Dr.Silo.Alerts;
using Dr.Silo.Decisions.Alerts;

namespace Dr.Silo.Tests.Storage;

/// <summary>Users, tokens and alerts: the same on both kinds of database.</summary>
public abstract partial class StorageSuite
{
    [Fact]
    public async Task The_first_user_uses_the_one_time_token_up_and_the_last_administrator_stays()
    {
        var store = new AccessStore(Database, TimeProvider.System);
        (await store.HasUsersAsync(CancellationToken.None)).ShouldBeFalse();
        var setup = AccessToken.New();
        await store.AddTokenAsync(setup, CallerKind.Setup, "", Role.Admin, "first", TimeSpan.FromHours(1), CancellationToken.None);
        (await store.FindAsync(setup, CancellationToken.None))!.Value.Token.Kind.ShouldBe(CallerKind.Setup);

        (await store.AddUserAsync("ann", Role.Admin, "hash", "setup", "Setup", CancellationToken.None)).ShouldBeTrue();
        (await store.AddUserAsync("eve", Role.Admin, "hash", "setup", "Setup", CancellationToken.None)).ShouldBeFalse("there is a user already");
        (await store.AddUserAsync("ann", Role.Viewer, null, "ann", null, CancellationToken.None)).ShouldBeFalse("the name is taken");
        (await store.FindAsync(setup, CancellationToken.None)).ShouldBeNull();
        (await store.ChangeUserAsync("ann", null, Role.Viewer, null, null, CancellationToken.None)).ShouldBe(ChangeAnswer.LastAdmin);
        (await store.ChangeUserAsync("ann", 9, null, null, true, CancellationToken.None)).ShouldBe(ChangeAnswer.Moved);
        (await store.ChangeUserAsync("bob", null, null, null, true, CancellationToken.None)).ShouldBe(ChangeAnswer.Unknown);
        (await store.AddUserAsync("bob", Role.Admin, null, "ann", null, CancellationToken.None)).ShouldBeTrue();
        (await store.ChangeUserAsync("ann", 1, null, null, true, CancellationToken.None)).ShouldBe(ChangeAnswer.Changed);
        (await store.UsersAsync("", 10, CancellationToken.None)).Select(u => (u.Name, u.DisabledAt is null)).ShouldBe([("ann", false), ("bob", true)]);
    }

    [Fact]
    public async Task A_token_works_until_it_is_revoked_and_not_for_a_disabled_user()
    {
        var store = new AccessStore(Database, TimeProvider.System);
        await store.AddUserAsync("ann", Role.Admin, null, "test", null, CancellationToken.None);
        await store.AddUserAsync("bob", Role.Operator, null, "test", null, CancellationToken.None);
        var (one, two, late) = (AccessToken.New(), AccessToken.New(), AccessToken.New());
        await store.AddTokenAsync(one, CallerKind.Token, "bob", Role.Viewer, "ci", TimeSpan.FromHours(1), CancellationToken.None);
        await store.AddTokenAsync(two, CallerKind.Session, "bob", Role.Operator, "", TimeSpan.FromHours(1), CancellationToken.None);
        await store.AddTokenAsync(late, CallerKind.Token, "bob", Role.Viewer, "", TimeSpan.FromSeconds(-1), CancellationToken.None);
        await store.NoteUseAsync(one.Id, CancellationToken.None);

        (await store.FindAsync(one, CancellationToken.None))!.Value.Token.LastUsedAt.ShouldNotBeNull();
        (await store.FindAsync(one with { Secret = two.Secret }, CancellationToken.None)).ShouldBeNull();
        (await store.FindAsync(late, CancellationToken.None)).ShouldBeNull();
        (await store.TokensAsync("bob", "", 10, CancellationToken.None)).Count.ShouldBe(3);
        (await store.RevokeAsync(one.Id, "ann", CancellationToken.None)).ShouldBeFalse("it is not hers");
        (await store.RevokeAsync(one.Id, "bob", CancellationToken.None)).ShouldBeTrue();
        (await store.FindAsync(one, CancellationToken.None)).ShouldBeNull();
        await store.ChangeUserAsync("bob", null, null, "new password", null, CancellationToken.None);
        (await store.FindAsync(two, CancellationToken.None)).ShouldBeNull("sessions end with the password they were opened with");
    }

    [Fact]
    public async Task A_notice_is_claimed_by_one_silo_and_told_until_it_is_taken()
    {
        var store = new AlertStore(Database, TimeProvider.System);
        var now = TimeProvider.System.GetUtcNow();
        var step = AlertMachine.Step(AlertBoard.Empty, [new AlertSample { Kind = AlertKind.StaleWriter, Subject = "system:dilas", Value = 1, Text = "test" }], now);
        var silenced = step.Board with { Silences = [new AlertSilence("s", AlertKind.ClockSkew, null, "ann", now, now.AddHours(1), "why")] };
        (await store.SaveAsync(AlertBoard.Empty, silenced, 0, step.Notices, ["a", "b"], CancellationToken.None)).ShouldBeTrue();
        (await store.SaveAsync(AlertBoard.Empty, silenced, 0, step.Notices, ["a", "b"], CancellationToken.None)).ShouldBeFalse("somebody else was first");

        var claims = await Task.WhenAll(store.ClaimAsync(10, CancellationToken.None), new AlertStore(Database, TimeProvider.System).ClaimAsync(10, CancellationToken.None));
        claims.Sum(c => c.Count).ShouldBe(2);
        foreach (var notice in claims.SelectMany(c => c))
        {
            await store.AnswerAsync(notice, notice.Target == "a" ? null : "not now", CancellationToken.None);
        }

        (await store.CountAsync(CancellationToken.None)).ShouldBe((1, 0));
        var (board, version) = await store.LoadAsync(CancellationToken.None);
        (board.Alerts.Count, board.Silences.Count, version).ShouldBe((1, 1, 1));
        (await store.StepSecondsAsync(CancellationToken.None)).ShouldBeEmpty();
        (await store.DrilledAsync(CancellationToken.None)).ShouldBeEmpty();
    }
}
