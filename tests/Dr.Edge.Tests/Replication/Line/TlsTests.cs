using Dr.Contracts.Errors;
using Dr.Contracts.Mqtt;
using Dr.Contracts.Tls;
using Dr.Edge.Replication.Line;
using Dr.Edge.Tests.Nbd.Tls;
using Microsoft.Extensions.Logging.Abstractions;

namespace Dr.Edge.Tests.Replication.Line;

/// <summary>Who may replicate with whom when certificates are set up, and what the one who may not is told.</summary>
public sealed class TlsTests : TwoNodeTest
{
    private readonly TestCertificates _ours = new("appliances");
    private readonly TestCertificates _others = new("somebody else's");

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _ours.Dispose();
        _others.Dispose();
    }

    [Fact]
    public async Task Two_appliances_of_one_CA_copy_and_nothing_goes_over_the_line_in_the_clear()
    {
        await StartAsync(Tls(_ours, "production"), Tls(_ours, "backup"));
        await using var line = new CutLine(Backup.Address);
        var volume = Production.Set.Create("dilas", 16 << 20);
        var secret = Enumerable.Repeat("in the clear "u8.ToArray(), 300).SelectMany(b => b).ToArray();
        volume.WriteAt(0, secret);
        await Production.Copies.AddAsync(volume, line.Address, CopyMode.Stream, null, default);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await Production.Copies.SyncAsync(volume, null, patience.Token);

        Backup.Set.Get("dilas").ShouldHoldTheSameAs(volume);
        line.Bytes.ShouldBeGreaterThan(1000);
        line.First.AsSpan(0, 3).ToArray().ShouldBe([0x16, 0x03, 0x01], "the line begins with a TLS handshake");
        line.First.AsSpan().IndexOf("dilas"u8).ShouldBe(-1, "not even the volume's name is to be seen");
    }

    [Fact]
    public Task A_source_of_another_CA_is_told_that_its_certificate_is_not_accepted() =>
        RefusedAsync(Trusting(_others.Appliance("production"), _ours.Authority), Tls(_ours, "backup"), "your certificate is not accepted");

    [Fact]
    public Task A_peer_of_another_CA_is_not_sent_anything() =>
        RefusedAsync(Tls(_ours, "production"), Trusting(_others.Appliance("backup"), _ours.Authority), "is not accepted here");

    [Fact]
    public Task An_expired_certificate_is_not_accepted() =>
        RefusedAsync(Trusting(_ours.Appliance("production", validToDays: -1), _ours.Authority), Tls(_ours, "backup"), "your certificate is not accepted");

    [Fact]
    public async Task A_source_that_is_revoked_is_cut_at_once_and_does_not_come_back()
    {
        var revocations = new Revocations();
        var (production, backup) = (_ours.Appliance("production"), _ours.Appliance("backup"));
        await StartAsync(Trusting(production, _ours.Authority), Trusting(backup, _ours.Authority, revocations));
        var volume = Production.Set.Create("dilas", 1 << 20);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Stream, null, default);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await Production.Copies.SyncAsync(volume, null, patience.Token);

        revocations.Take(_ours.Revoke(1, production.Certificate));
        var copy = Production.Copies.Of(volume).Single();
        await Node.Until(() => copy.ToStatus() is { State: CopyState.Connecting, Detail: { } detail } && detail.Contains("was revoked", StringComparison.Ordinal), "the cut", () => copy.ToStatus().ToString());
    }

    [Theory]
    [InlineData("kiosk", "made for the role appliance, not for kiosk")] // It refuses itself; another program with that certificate would be refused as the next is.
    [InlineData(null, "made for nothing in particular, not for appliance")]
    public Task A_certificate_of_the_same_CA_that_is_for_something_else_opens_no_line_of_copies(string? role, string reason) =>
        RefusedAsync(Trusting(_ours.Appliance("production", role: role), _ours.Authority), Trusting(_ours.Appliance("backup", role: "appliance"), _ours.Authority), reason);

    [Fact]
    public Task A_source_without_TLS_gets_nowhere_with_a_peer_that_wants_it() => RefusedAsync(ReplicationTls.Off, Tls(_ours, "backup"), "connection");

    [Fact]
    public Task A_peer_without_TLS_is_not_spoken_to_in_the_clear() => RefusedAsync(Tls(_ours, "production"), ReplicationTls.Off, "No TLS 1.3 with the peer");

    [Fact]
    public void Half_a_configuration_is_refused() =>
        Should.Throw<DrException>(() => ReplicationTls.Create(new ReplicationTlsConfig { Certificate = _ours.Server }, TimeProvider.System, NullLogger.Instance)).Message.ShouldContain("needs a certificate, its key and the CA");

    private static ReplicationTls Tls(TestCertificates certificates, string name) => Trusting(certificates.Appliance(name), certificates.Authority);

    private static ReplicationTls Trusting((string Certificate, string Key, string Authority) own, string authority, Revocations? revocations = null) =>
        ReplicationTls.Create(new ReplicationTlsConfig { Certificate = own.Certificate, Key = own.Key, Ca = authority }, TimeProvider.System, NullLogger.Instance, revocations);

    private async Task StartAsync(ReplicationTls production, ReplicationTls backup)
    {
        (Production.Tls, Backup.Tls) = (production, backup);
        await Production.RestartAsync();
        await Backup.RestartAsync();
    }

    private async Task RefusedAsync(ReplicationTls production, ReplicationTls backup, string reason)
    {
        await StartAsync(production, backup);
        var volume = Production.Set.Create("dilas", 1 << 20);
        await Production.Copies.AddAsync(volume, Backup.Address, CopyMode.Stream, null, default);
        var copy = Production.Copies.Of(volume).Single();
        await Node.Until(() => copy.ToStatus() is { State: CopyState.Connecting, Detail: { } detail } && detail.Contains(reason, StringComparison.Ordinal), $"'{reason}'", () => copy.ToStatus().ToString());
        Backup.Set.Volumes.ShouldBeEmpty("nothing was taken");
    }
}
