using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Errors;
using Dr.Edge.Nbd;
using Dr.Edge.Nbd.Tls;
using Microsoft.Extensions.Time.Testing;

namespace Dr.Edge.Tests.Nbd.Tls;

public sealed class TlsTests : IDisposable
{
    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData(true, SslProtocols.Tls12)]
    [InlineData(false, SslProtocols.Tls12)]
    [InlineData(true, SslProtocols.Tls13)]
    [InlineData(false, SslProtocols.Tls13)]
    public async Task A_client_with_a_good_certificate_works_over_tls(bool unix, SslProtocols version)
    {
        await using var server = await StartAsync();
        using var client = server.Connect(unix);
        Secure(client, "host-a", version: version);
        client.AgreeStructuredReplies();
        client.Go("volume");
        var data = new byte[1024 * 1024 - 100];
        new Random(1).NextBytes(data);
        client.Write(100, data).ShouldBe(NbdError.None);
        client.Read(100, data.Length).AsSpan().SequenceEqual(data).ShouldBeTrue();
        client.Request(NbdCommand.Disconnect, 0, 0);
        client.IsClosedByServer().ShouldBeTrue();
    }

    [Fact]
    public async Task A_change_that_waits_for_a_copy_holds_up_nothing_over_tls()
    {
        var device = new LateDevice(1024 * 1024);
        await using var server = await StartAsync();
        server.Catalog.Add("late", device);
        using var client = server.Connect();
        Secure(client, "host-a");
        client.Go("late");
        for (var cookie = 1UL; cookie <= 4; cookie++)
        {
            client.Request(NbdCommand.Write, cookie * 65536, 65536, cookie, new byte[65536]);
            await Eventually.TrueAsync($"write {cookie} is with the device", () => device.Appended == (long)cookie);
        }

        for (var cookie = 1UL; cookie <= 4; cookie++)
        {
            device.ConfirmUpTo((long)cookie);
            client.SimpleReply(cookie).ShouldBe(NbdError.None);
        }
    }

    [Theory]
    [InlineData("0301")]
    [InlineData("0302")]
    public async Task Versions_before_1_2_are_refused_for_their_version(string version)
    {
        await using var server = await StartAsync();
        using var client = server.Connect();
        client.Greet();
        client.SendOption(NbdOption.StartTls, []);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);

        // A whole ClientHello of that version, three of its cipher suites, no extensions.
        var hello = version + new string('7', 64) + "00" + "0006" + "C00A" + "C014" + "002F" + "0100";
        client.Send(Convert.FromHexString("160301" + $"{(hello.Length / 2) + 4:X4}" + "01" + $"{hello.Length / 2:X6}" + hello));
        var alert = client.Receive(7);
        (alert[0], alert[5], alert[6]).ShouldBe(((byte)21, (byte)2, (byte)70), "not a fatal alert about the version");
        AssertAlive(server);
    }

    [Fact]
    public async Task Where_tls_is_required_nothing_is_told_before_it()
    {
        await using var server = await StartAsync();
        using var client = server.Connect();
        client.Greet();
        foreach (var (option, data) in new[]
        {
            (NbdOption.List, []),
            (NbdOption.StructuredReply, []),
            (NbdOption.ExtendedHeaders, []),
            (NbdOption.Info, ScriptedClient.InfoData("volume")),
            (NbdOption.Go, ScriptedClient.InfoData("volume")),
            (NbdOption.ListMetaContext, ScriptedClient.ContextData("volume")),
            (NbdOption.SetMetaContext, ScriptedClient.ContextData("volume", "base:allocation")),
            ((NbdOption)77, new byte[5]),
            (NbdOption.List, new byte[NbdLimits.MaxOptionBytes + 1]),
        })
        {
            client.SendOption(option, data);
            client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorTlsRequired, option.ToString());
        }

        server.Catalog.OpenLeases.ShouldBe(0);
        Secure(client, "host-a", greet: false);
        client.Go("volume");

        using var old = server.Connect();
        old.Greet();
        old.SendOption(NbdOption.ExportName, "volume"u8);
        old.IsClosedByServer().ShouldBeTrue();

        using var leaves = server.Connect();
        leaves.Greet();
        leaves.SendOption(NbdOption.Abort, []);
        leaves.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        leaves.IsClosedByServer().ShouldBeTrue();
    }

    [Fact]
    public async Task Where_tls_is_allowed_both_work_and_where_it_is_off_it_is_unsupported()
    {
        await using (var server = await StartAsync(NbdTlsMode.Allow))
        {
            using var plain = server.Attach();
            plain.Write(0, [1]).ShouldBe(NbdError.None);
            using var secured = server.Connect();
            Secure(secured, "host-a");
            secured.Go("volume");
            secured.Read(0, 1).ShouldBe([1]);
        }

        await using var off = await NbdTestServer.StartAsync();
        using var client = off.Connect();
        client.Greet();
        client.SendOption(NbdOption.StartTls, []);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorUnsupported);
        client.Go("volume");
    }

    [Fact]
    public async Task What_was_agreed_before_tls_is_forgotten_and_a_second_starttls_is_invalid()
    {
        await using var server = await StartAsync(NbdTlsMode.Allow);
        using var client = server.Connect();
        client.Greet();
        client.AgreeExtendedHeaders();
        client.SelectContexts("volume", "base:allocation").ShouldHaveSingleItem();
        Secure(client, "host-a", greet: false);
        server.Catalog.OpenLeases.ShouldBe(0);

        client.SendOption(NbdOption.StartTls, []);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorInvalid);
        client.SendOption(NbdOption.SetMetaContext, ScriptedClient.ContextData("volume", "base:allocation"));
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorInvalid);
        client.Forget();
        client.Go("volume");
        client.Request(NbdCommand.BlockStatus, 0, 4096, 5);
        client.SimpleReply(5).ShouldBe(NbdError.Invalid);
    }

    [Fact]
    public async Task Starttls_with_data_is_invalid()
    {
        await using var server = await StartAsync(NbdTlsMode.Allow);
        using var client = server.Connect();
        client.Greet();
        client.SendOption(NbdOption.StartTls, [1, 2]);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorInvalid);
        Secure(client, "host-a", greet: false);
        client.Go("volume");
    }

    [Fact]
    public async Task Plain_text_behind_starttls_is_never_looked_at()
    {
        await using var server = await StartAsync(NbdTlsMode.Allow);
        using var client = server.Connect();
        client.Greet();

        // One packet: what somebody in the middle could add. If it were kept, its answer would come first under TLS.
        client.Send([.. ScriptedClient.OptionBytes(NbdOption.StartTls, []), .. ScriptedClient.OptionBytes(NbdOption.List, []), .. ScriptedClient.OptionBytes(NbdOption.StructuredReply, [])]);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        client.StartTls(_certificates.Root, _certificates.Client("host-a"));
        client.SendOption(NbdOption.Info, ScriptedClient.InfoData("volume"));
        var (option, reply, _) = client.ReceiveReply();
        (option, reply).ShouldBe((NbdOption.Info, NbdOptionReply.Info));
    }

    [Fact]
    public async Task Absent_wrong_expired_and_misused_client_certificates_are_refused()
    {
        await using var server = await StartAsync();
        using var foreign = new TestCertificates("another CA");
        X509Certificate2?[] bad =
        [
            null,
            foreign.Client("host-a"),
            _certificates.Client("host-a", validFromDays: -20, validToDays: -1),
            _certificates.Client("host-a", validFromDays: 2),
            _certificates.Client("host-a", isServer: true),
        ];
        foreach (var certificate in bad)
        {
            using var client = server.Connect();
            client.Greet();
            client.SendOption(NbdOption.StartTls, []);
            client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);

            // With TLS 1.3 a client learns that it is refused only when it reads.
            Should.Throw<Exception>(() =>
            {
                client.StartTls(_certificates.Root, certificate);
                client.SendOption(NbdOption.List, []);
                client.ReceiveReply();
            });
        }

        server.Catalog.OpenLeases.ShouldBe(0);
        AssertAlive(server);
    }

    [Fact]
    public async Task Without_a_client_ca_the_line_is_encrypted_and_anybody_may_come()
    {
        await using var server = await NbdTestServer.StartAsync(tls: new NbdTlsConfig { Certificate = _certificates.Server, Key = _certificates.ServerKey });
        using var client = server.Connect();
        client.Greet();
        client.SendOption(NbdOption.StartTls, []);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        client.StartTls(_certificates.Root, null);
        client.Go("volume");
    }

    [Fact]
    public async Task A_client_sees_and_attaches_only_what_its_name_is_listed_with()
    {
        var config = Config(NbdTlsMode.Require);
        config.Clients = new() { ["host-a"] = ["volume"], ["auditor"] = ["*"] };
        await using var server = await NbdTestServer.StartAsync(tls: config);
        server.Catalog.Add("volume@p1", new MemoryDevice(4096, isReadOnly: true));
        server.Catalog.Add("other", new MemoryDevice(4096));
        Names("host-a").ShouldBe(["volume", "volume@p1"]);
        Names("auditor").ShouldBe(["other", "volume", "volume@p1"]);
        Names("host-b").ShouldBeEmpty();

        using var client = server.Connect();
        Secure(client, "host-a");
        client.SendOption(NbdOption.Go, ScriptedClient.InfoData("other"));
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.ErrorUnknown);
        client.Go("volume@p1");

        List<string> Names(string commonName)
        {
            using var lister = server.Connect();
            Secure(lister, commonName);
            return lister.List();
        }
    }

    [Fact]
    public async Task A_renewed_certificate_is_used_without_a_restart_and_a_broken_one_is_not()
    {
        await using var server = await StartAsync();
        Serial().ShouldBe(Serial());
        var first = Serial();
        _certificates.WriteServer();
        var second = Serial();
        second.ShouldNotBe(first);

        File.WriteAllText(_certificates.Server, "-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n");
        Serial().ShouldBe(second);
        File.Delete(_certificates.Server);
        Serial().ShouldBe(second);
        _certificates.WriteServer();
        Serial().ShouldNotBe(second);

        string Serial()
        {
            using var client = server.Connect();
            Secure(client, "host-a");
            return client.ServerCertificate!.GetSerialNumberString();
        }
    }

    [Fact]
    public async Task A_tls_handshake_that_takes_too_long_is_cut()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await StartAsync(time: time);
        using var client = server.Connect();
        client.Greet();
        client.SendOption(NbdOption.StartTls, []);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        client.Send([0x16, 0x03, 0x01, 0x02, 0x00]);
        time.Advance(TimeSpan.FromSeconds(10.1));
        client.DrainToEnd();
        AssertAlive(server);
    }

    [Fact]
    public async Task Noise_where_tls_is_expected_ends_that_connection_only()
    {
        await using var server = await StartAsync();
        var random = new Random(11);
        for (var round = 0; round < 200; round++)
        {
            using var client = server.Connect(unix: round % 2 == 0);
            client.Greet();
            client.SendOption(NbdOption.StartTls, []);
            client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
            var noise = new byte[random.Next(0, 20_000)];
            random.NextBytes(noise);
            if (random.Next(2) == 0 && noise.Length > 5)
            {
                // A record header that is right, and nonsense in it.
                (noise[0], noise[1], noise[2], noise[3]) = (0x16, 0x03, (byte)random.Next(1, 5), (byte)random.Next(0x41));
            }

            client.TrySend(noise);
            if (random.Next(3) == 0)
            {
                client.Reset();
                continue;
            }

            client.TryShutdownSend();
            client.DrainToEnd();
        }

        AssertAlive(server);
    }

    [Fact]
    public async Task A_record_damaged_on_the_way_ends_that_connection_only()
    {
        await using var server = await StartAsync();
        using var client = server.Connect();
        Secure(client, "host-a");
        client.Go("volume");
        client.SendBelowTls([0x17, 0x03, 0x03, 0x00, 0x40, .. new byte[0x40]]);
        client.DrainToEnd();
        AssertAlive(server);
    }

    [Fact]
    public async Task A_stop_answers_what_was_sent_over_tls()
    {
        var server = await StartAsync();
        using var client = server.Connect();
        Secure(client, "host-a");
        client.Go("volume");
        client.Write(0, new byte[70_000]).ShouldBe(NbdError.None);
        await server.DisposeAsync();
        client.IsClosedByServer().ShouldBeTrue();
    }

    [Fact]
    public async Task An_idle_tls_connection_goes_on_after_its_buffers_were_given_back()
    {
        await using var server = await NbdTestServer.StartAsync(limits: new NbdLimits { IdleTime = TimeSpan.FromMilliseconds(30) }, tls: Config(NbdTlsMode.Require));
        using var client = server.Connect();
        Secure(client, "host-a");
        client.Go("volume");

        // Half a record, then a pause longer than the idle time, which is what this is about.
        for (byte round = 1; round <= 3; round++)
        {
            client.Write(0, [round]).ShouldBe(NbdError.None);
            await Task.Delay(100);
            client.Read(0, 1).ShouldBe([round]);
        }
    }

    [Theory]
    [InlineData(null, null, null, true)]
    [InlineData("missing.pem", "missing.pem", null, false)]
    [InlineData("server-cert.pem", "client-key.pem", null, false)]
    [InlineData("server-cert.pem", "server-key.pem", "server-key.pem", false)]
    [InlineData("server-cert.pem", null, null, false)]
    public async Task Wrong_settings_stop_the_start_with_one_clear_sentence(string? certificate, string? key, string? authority, bool listsClients)
    {
        string? At(string? name) => name is null ? null : Path.Combine(_certificates.Folder, name);
        var config = new NbdTlsConfig { Certificate = At(certificate), Key = At(key), ClientCa = At(authority) };
        if (listsClients)
        {
            config.Clients["a"] = ["b"];
        }

        var refusal = await Should.ThrowAsync<DrException>(() => NbdTestServer.StartAsync(tls: config));
        refusal.Hint.ShouldNotBeNull();
    }

    private NbdTlsConfig Config(NbdTlsMode mode) => new() { Certificate = _certificates.Server, Key = _certificates.ServerKey, ClientCa = _certificates.Authority, Mode = mode };

    private Task<NbdTestServer> StartAsync(NbdTlsMode mode = NbdTlsMode.Require, TimeProvider? time = null) => NbdTestServer.StartAsync(tls: Config(mode), time: time);

    private void Secure(ScriptedClient client, string commonName, bool greet = true, SslProtocols version = SslProtocols.None)
    {
        if (greet)
        {
            client.Greet();
        }

        client.SendOption(NbdOption.StartTls, []);
        client.ReceiveReply().Reply.ShouldBe(NbdOptionReply.Ack);
        client.StartTls(_certificates.Root, _certificates.Client(commonName), version);
    }

    private void AssertAlive(NbdTestServer server)
    {
        using var client = server.Connect();
        Secure(client, "host-a");
        client.Go("volume");
        client.Read(0, 512).Length.ShouldBe(512);
    }
}
