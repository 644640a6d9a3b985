using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Enrolment;
using Dr.Contracts.Errors;
using Dr.Contracts.Tls;
using Dr.Silo.Certificates;
using Dr.Silo.Tests.Support;

namespace Dr.Silo.Tests.Certificates;

/// <summary>What the CA signs and what others make of it, without a database.</summary>
public sealed class CertificateAuthorityTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;
    private readonly CertificateAuthority _authority = CertificateAuthority.Create("test", TimeSpan.FromDays(3650), Now);

    public void Dispose() => _authority.Dispose();

    [Theory]
    [InlineData("kiosk", false)]
    [InlineData("host", false)]
    [InlineData("appliance", true)]
    [InlineData("broker", true)]
    public void A_certificate_is_for_its_role_and_name_and_nothing_else(string role, bool isServer)
    {
        using var certificate = Issue("a-1", role, "10.0.0.5", "broker.example");

        (CertificateCheck.CommonNameOf(certificate), CertificateCheck.RoleOf(certificate)).ShouldBe(("a-1", role));
        Problem(certificate, CertificateCheck.ClientPurpose).ShouldBeNull();
        (Problem(certificate, CertificateCheck.ServerPurpose) is null).ShouldBe(isServer);
        (certificate.MatchesHostname("10.0.0.5"), certificate.MatchesHostname("broker.example"), certificate.MatchesHostname("other.example")).ShouldBe((true, true, false));
        CertificateCheck.FindProblem(certificate, [], [_authority.Certificate], CertificateCheck.ClientPurpose, Now.AddDays(91)).ShouldNotBeNull();
    }

    [Fact]
    public void What_was_issued_stays_good_when_the_CA_is_renewed_and_not_under_a_CA_of_the_same_name()
    {
        using var certificate = Issue("a-1", "kiosk");
        using var renewed = CertificateAuthority.Create("", TimeSpan.FromDays(7300), Now.AddDays(3000), _authority);
        using var other = CertificateAuthority.Create("test", TimeSpan.FromDays(3650), Now);

        CertificateCheck.FindProblem(certificate, [], [renewed.Certificate], CertificateCheck.ClientPurpose, Now).ShouldNotBeNull("the new one begins later");
        using var early = CertificateAuthority.Create("", TimeSpan.FromDays(7300), Now, _authority);
        CertificateCheck.FindProblem(certificate, [], [early.Certificate], CertificateCheck.ClientPurpose, Now).ShouldBeNull();
        CertificateCheck.FindProblem(certificate, [], [other.Certificate], CertificateCheck.ClientPurpose, Now).ShouldNotBeNull();
        Should.Throw<DrException>(() => RevocationList.Read(other.MakeList(1, [], Now), [_authority.Certificate])).Message.ShouldContain("not of a CA that is trusted here");
    }

    [Fact]
    public void A_list_withdraws_what_is_in_it_and_an_older_one_gives_nothing_back()
    {
        using var good = Issue("a-1", "kiosk");
        using var bad = Issue("a-2", "kiosk");
        var serial = RevocationList.SerialOf(bad);
        var newer = RevocationList.Read(_authority.MakeList(7, [new RevokedSerial(serial, Now)], Now), [_authority.Certificate]);
        var older = RevocationList.Read(_authority.MakeList(6, [], Now.AddSeconds(5)), [_authority.Certificate]);
        var revocations = new Revocations();
        var changes = 0;
        revocations.Changed += () => changes++;

        revocations.IsRevoked(bad).ShouldBeFalse("no list is known");
        revocations.Take(newer).ShouldBeTrue();
        revocations.Take(older).ShouldBeFalse();
        revocations.Take(newer).ShouldBeFalse();
        ((int)newer.Number, newer.Count, changes).ShouldBe((7, 1, 1));
        newer.NextUpdate!.Value.ShouldBe(Now + CertificateLimits.ListLife, TimeSpan.FromSeconds(1));
        (revocations.IsRevoked(good), revocations.IsRevoked(bad)).ShouldBe((false, true));
        CertificateCheck.FindProblem(bad, [], [_authority.Certificate], CertificateCheck.ClientPurpose, Now, revocations).ShouldBe($"certificate {serial} was revoked");
    }

    [Fact]
    public void A_list_with_any_byte_changed_is_not_taken()
    {
        var pem = _authority.MakeList(7, [new RevokedSerial("4A0102030405060708090A0B0C0D0E0F", Now)], Now);
        var fields = PemEncoding.Find(pem);
        var der = Convert.FromBase64String(pem[fields.Base64Data]);
        for (var at = 0; at < der.Length; at++)
        {
            var changed = der.ToArray();
            changed[at] ^= 1;
            Should.Throw<DrException>(() => RevocationList.Read(PemEncoding.WriteString("X509 CRL", changed), [_authority.Certificate]), $"byte {at}");
        }
    }

    [Fact]
    public void A_connection_is_cut_when_its_certificate_is_revoked_before_or_after_it_came()
    {
        using var bad = Issue("a-2", "kiosk");
        using var good = Issue("a-1", "kiosk");
        var revocations = new Revocations();
        var cut = new List<string>();
        var cutter = new RevocationCutter<string>(revocations, cut.Add);
        var (one, two, three) = (new string('1', 1), new string('2', 1), new string('3', 1));
        cutter.Watch(one, bad);
        cutter.Watch(two, good);
        cut.ShouldBeEmpty();

        revocations.Take(RevocationList.Read(_authority.MakeList(1, [new RevokedSerial(RevocationList.SerialOf(bad), Now)], Now), [_authority.Certificate]));
        cut.ShouldBe(["1"]);
        cutter.Watch(three, bad);
        cut.ShouldBe(["1", "3"]);
        GC.KeepAlive((one, two, three));
    }

    [Fact]
    public void A_request_counts_for_its_key_only_when_that_signed_it_and_is_strong_enough()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var weak = RSA.Create(1024);
        var request = new CertificateRequest("CN=whatever", key, HashAlgorithmName.SHA256).CreateSigningRequestPem();
        CertificateAuthority.KeyOf(request).ExportSubjectPublicKeyInfo().ShouldBe(key.ExportSubjectPublicKeyInfo());
        var der = Convert.FromBase64String(request[PemEncoding.Find(request).Base64Data]);
        der[^1] ^= 1;
        Should.Throw<DrException>(() => CertificateAuthority.KeyOf(PemEncoding.WriteString("CERTIFICATE REQUEST", der)));
        Should.Throw<DrException>(() => CertificateAuthority.KeyOf(new CertificateRequest("CN=x", weak, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1).CreateSigningRequestPem())).Message.ShouldContain("too weak");
        Should.Throw<DrException>(() => CertificateAuthority.KeyOf(null));
    }

    [Fact]
    public void The_proof_of_a_renewal_is_good_for_its_own_key_request_and_time_only()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var present = _authority.Issue(new CertificateOrder("a-1", "kiosk", [], TimeSpan.FromDays(90)), new PublicKey(key), Now);
        using var other = Issue("a-2", "kiosk");
        var signature = RenewalProof.Sign(key, "4A", Now, "request");

        RenewalProof.IsGood(present, "4A", Now, "request", signature).ShouldBeTrue();
        RenewalProof.IsGood(present, "4B", Now, "request", signature).ShouldBeFalse();
        RenewalProof.IsGood(present, "4A", Now.AddSeconds(1), "request", signature).ShouldBeFalse();
        RenewalProof.IsGood(present, "4A", Now, "another", signature).ShouldBeFalse();
        RenewalProof.IsGood(other, "4A", Now, "request", signature).ShouldBeFalse();
        RenewalProof.IsGood(present, "4A", Now, "request", "no base64").ShouldBeFalse();
    }

    [Fact]
    public void The_key_on_disk_is_its_owners_and_opens_with_its_passphrase_only()
    {
        using var directory = new TempDirectory();
        var folder = directory.File("ca");
        AuthorityFiles.Write(folder, _authority, "long enough");
        if (!OperatingSystem.IsWindows())
        {
            File.GetUnixFileMode(Path.Combine(folder, AuthorityFiles.KeyName)).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        using var read = AuthorityFiles.Read(folder, "long enough");
        read.Fingerprint.ShouldBe(_authority.Fingerprint);
        Should.Throw<DrException>(() => AuthorityFiles.Read(folder, "wrong"));
        Should.Throw<DrException>(() => AuthorityFiles.Read(folder, null)).Message.ShouldContain("has a passphrase");
        Should.Throw<DrException>(() => AuthorityFiles.Write(folder, _authority, null)).Message.ShouldContain("There is a CA");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path.Combine(folder, AuthorityFiles.KeyName), UnixFileMode.UserRead | UnixFileMode.OtherRead);
            Should.Throw<DrException>(() => AuthorityFiles.Read(folder, "long enough")).Message.ShouldContain("can be read by others");
        }
    }

    [Theory]
    [InlineData("kiosk-1", "kiosk", "", true, null)]
    [InlineData("control-plane", "kiosk", "", true, "Only the control plane")]
    [InlineData("silo-a", "control-plane", "", false, "Only the control plane")]
    [InlineData("control-plane", "control-plane", "", true, "role takes")]
    [InlineData("control-plane", "control-plane", "10.0.0.1", false, null)]
    [InlineData("../x", "kiosk", "", true, "A name has")]
    [InlineData("broker-a", "broker", "", true, "names the hosts")]
    [InlineData("broker-a", "broker", "b r", true, "neither a host name")]
    [InlineData("root", "admin", "", true, "role takes")]
    public void Names_and_roles_are_those_that_brokers_go_by(string name, string role, string host, bool byToken, string? refusal)
    {
        var why = CertificateRoles.RefusalOf(name, role, host.Length == 0 ? [] : [host], byToken);
        (why is null).ShouldBe(refusal is null, why);
        why?.ShouldContain(refusal!);
    }

    private string? Problem(X509Certificate2 certificate, string purpose) => CertificateCheck.FindProblem(certificate, [], [_authority.Certificate], purpose, Now);

    private X509Certificate2 Issue(string name, string role, params string[] hosts)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return _authority.Issue(new CertificateOrder(name, role, hosts, TimeSpan.FromDays(90)), new PublicKey(key), Now);
    }
}
