using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Tls;
using Dr.Silo.Access;
using Dr.Silo.Certificates;
using Dr.Silo.Storage;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Silo.Tests.Storage;

/// <summary>The certificate authority's rows: the same on both kinds of database.</summary>
public abstract partial class StorageSuite
{
    private static readonly TimeSpan Life = TimeSpan.FromDays(90);

    [Fact]
    public async Task A_token_brings_one_certificate_for_the_key_that_came_first_and_the_former_ones_are_revoked()
    {
        using var authority = CertificateAuthority.Create("test", TimeSpan.FromDays(10_000), DateTimeOffset.UtcNow);
        var store = Certificates(TimeProvider.System);
        var (first, second) = (AccessToken.New(), AccessToken.New());
        await store.AddTokenAsync(first, "kiosk-1", "kiosk", "street", [], TimeSpan.FromHours(1), "ann", CancellationToken.None);
        await store.AddTokenAsync(second, "kiosk-1", "kiosk", "street", [], TimeSpan.FromHours(1), "ann", CancellationToken.None);
        var (own, foreign) = (NewKey(), NewKey());

        (await store.EnrolAsync(authority, first with { Secret = second.Secret }, own, Life, CancellationToken.None)).Record.ShouldBeNull("the secret is another token's");
        var outcome = await store.EnrolAsync(authority, first, own, Life, CancellationToken.None);
        outcome.Site.ShouldBe("street");
        var certificate = outcome.Record!;
        (await store.EnrolAsync(authority, first, own, Life, CancellationToken.None)).Record!.Serial.ShouldBe(certificate.Serial, "the answer was lost on the way");
        (await store.EnrolAsync(authority, first, foreign, Life, CancellationToken.None)).Refusal.ShouldBe("The token was used before.");
        (await store.NewestListAsync(CancellationToken.None)).ShouldBeNull("nothing was revoked");

        var again = (await store.EnrolAsync(authority, second, foreign, Life, CancellationToken.None)).Record!;
        var list = RevocationList.Read((await store.NewestListAsync(CancellationToken.None))!.List, [authority.Certificate]);
        (Revokes(list, certificate), Revokes(list, again)).ShouldBe((true, false));
        (await store.EnrolAsync(authority, first, own, Life, CancellationToken.None)).Record.ShouldBeNull("what it brought is revoked");
        (await Audit.ReadAsync(0, 100, new AuditFilterBy { Subject = "kiosk-1" }, CancellationToken.None)).Select(a => a.Action).ShouldBe(["ca.token", "ca.token", "ca.issued", "ca.issued", "ca.revoked"]);
        (await Audit.FirstBrokenAsync(CancellationToken.None)).ShouldBeNull();
    }

    [Fact]
    public async Task A_token_ends_with_its_time_and_with_the_device_that_is_revoked()
    {
        using var authority = CertificateAuthority.Create("test", TimeSpan.FromDays(10_000), DateTimeOffset.UtcNow);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var store = Certificates(time);
        var (late, withdrawn, lost) = (AccessToken.New(), AccessToken.New(), AccessToken.New());
        foreach (var token in new[] { late, withdrawn, lost })
        {
            await store.AddTokenAsync(token, "kiosk-2", "kiosk", null, [], TimeSpan.FromMinutes(token == late ? 10 : 60), "ann", CancellationToken.None);
        }

        time.Advance(TimeSpan.FromMinutes(11));
        (await store.EnrolAsync(authority, late, NewKey(), Life, CancellationToken.None)).Record.ShouldBeNull("it is past its time");
        (await store.RevokeTokenAsync(withdrawn.Id, "ann", CancellationToken.None)).ShouldBeTrue();
        (await store.EnrolAsync(authority, withdrawn, NewKey(), Life, CancellationToken.None)).Record.ShouldBeNull("it was withdrawn");
        (await store.RevokeAsync(authority, "kiosk-2", null, "lost", "ann", CancellationToken.None)).ShouldBeEmpty();
        (await store.EnrolAsync(authority, lost, NewKey(), Life, CancellationToken.None)).Record.ShouldBeNull("the device was revoked");
    }

    [Fact]
    public async Task A_certificate_is_renewed_until_it_is_revoked_or_past_its_time()
    {
        using var authority = CertificateAuthority.Create("test", TimeSpan.FromDays(10_000), DateTimeOffset.UtcNow);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var store = Certificates(time);
        var issued = await store.IssueAsync(authority, new CertificateOrder("broker-a", "broker", ["10.0.0.5", "broker.example"], Life), NewKey(), "ann", CancellationToken.None);

        var next = (await store.RenewAsync(authority, issued.Serial, NewKey(), Life, CancellationToken.None)).Record!;
        (next.Name, next.Role, string.Join(' ', next.Hosts)).ShouldBe(("broker-a", "broker", "10.0.0.5 broker.example"));
        (await store.RevokeAsync(authority, null, issued.Serial, "replaced", "ann", CancellationToken.None)).ShouldBe([issued.Serial]);
        (await store.RenewAsync(authority, issued.Serial, NewKey(), Life, CancellationToken.None)).Record.ShouldBeNull("it is revoked");
        time.Advance(Life + TimeSpan.FromSeconds(1));
        (await store.RenewAsync(authority, next.Serial, NewKey(), Life, CancellationToken.None)).Refusal.ShouldNotBeNull().ShouldContain("past its time");
        (await store.RenewAsync(authority, "7F00", NewKey(), Life, CancellationToken.None)).Refusal.ShouldNotBeNull().ShouldContain("not of this CA");
    }

    [Fact]
    public async Task What_should_have_been_renewed_is_told_until_there_is_a_newer_one_it_is_withdrawn_or_it_ended_long_ago()
    {
        using var authority = CertificateAuthority.Create("test", TimeSpan.FromDays(10_000), DateTimeOffset.UtcNow);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var store = Certificates(time);
        async Task<string[]> EndingAsync() => [.. (await store.EndingAsync(CancellationToken.None)).Where(c => c.Name.StartsWith("late-", StringComparison.Ordinal)).Select(c => c.Name)];
        var issued = new Dictionary<string, CertificateRecord>(StringComparer.Ordinal);
        foreach (var name in new[] { "late-away", "late-renewed", "late-revoked" })
        {
            issued[name] = await store.IssueAsync(authority, new CertificateOrder(name, "kiosk", [], Life), NewKey(), "ann", CancellationToken.None);
        }

        time.Advance(Life * 0.6);
        (await EndingAsync()).ShouldBeEmpty("it is not time yet");
        time.Advance(Life * 0.1);
        (await EndingAsync()).ShouldBe(["late-away", "late-renewed", "late-revoked"]);
        await store.RenewAsync(authority, issued["late-renewed"].Serial, NewKey(), Life, CancellationToken.None);
        await store.RevokeAsync(authority, "late-revoked", null, "gone", "ann", CancellationToken.None);
        (await EndingAsync()).ShouldBe(["late-away"]);
        (await store.EndingAsync(CancellationToken.None)).Single(c => c.Name == "late-away").Used(time.GetUtcNow()).ShouldBe(0.7, 0.001);
        time.Advance((Life * 0.3) + TimeSpan.FromDays(29));
        (await EndingAsync()).ShouldContain("late-away", "it has ended, which is worse");
        time.Advance(TimeSpan.FromDays(2));
        (await EndingAsync()).ShouldNotContain("late-away", "nobody misses it any more");
    }

    [Fact]
    public async Task A_device_that_is_revoked_loses_the_certificates_that_its_old_connections_began_with_too()
    {
        using var authority = CertificateAuthority.Create("test", TimeSpan.FromDays(10_000), DateTimeOffset.UtcNow);
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        var store = Certificates(time);
        var first = await store.IssueAsync(authority, new CertificateOrder("kiosk-3", "kiosk", [], Life), NewKey(), "ann", CancellationToken.None);
        time.Advance(Life * 2 / 3);
        var renewed = (await store.RenewAsync(authority, first.Serial, NewKey(), Life, CancellationToken.None)).Record!;

        // Renewed, past its time and past the time that a list lasts, while the connection has stood since then.
        time.Advance((Life / 3) + CertificateLimits.ListLife + TimeSpan.FromDays(10));
        (await store.RevokeAsync(authority, "kiosk-3", null, "stolen", "ann", CancellationToken.None)).ShouldBe([first.Serial, renewed.Serial], ignoreOrder: true);
        await StandsAsync(firstIsNamed: true);

        // The list gets short again, when every connection has been cut for long.
        time.Advance(CertificateLimits.ListLife + TimeSpan.FromDays(1));
        await store.RefreshListAsync(authority, always: true, CancellationToken.None);
        await StandsAsync(firstIsNamed: false);

        async Task StandsAsync(bool firstIsNamed)
        {
            var list = RevocationList.Read((await store.NewestListAsync(CancellationToken.None))!.List, [authority.Certificate]);
            (Revokes(list, first), Revokes(list, renewed)).ShouldBe((firstIsNamed, true));
        }
    }

    private CertificateStore Certificates(TimeProvider time) => new(Database, Audit, time);

    private static PublicKey NewKey()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new PublicKey(key);
    }

    private static bool Revokes(RevocationList list, CertificateRecord record)
    {
        using var certificate = X509Certificate2.CreateFromPem(record.Pem);
        return list.Revokes(certificate);
    }
}
