using System.CommandLine;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Cli;
using Dr.Contracts.Enrolment;
using Dr.Silo.Api;
using Dr.Silo.Certificates;
using Dr.Silo.Hosting;
using Dr.Silo.Storage;
using Spectre.Console;

namespace Dr.Silo.Cli;

/// <summary><c>ca</c>: made, renewed and issuing by hand on the CA's own machine; everything else by the admin API.</summary>
internal static class CertificateCommands
{
    public static Command Create()
    {
        var expires = ClientCommands.Text("--expires", "After this time (default 1h, at most 7d).", "1h");
        var (name, role, site) = (NameArgument(), RoleOption(CertificateRoles.ByToken), ClientCommands.Text("--site", "The device's site, told to it when it enrols.", "SITE"));
        var hosts = HostOption();
        var (of, out_) = (ClientCommands.Text("--name", "Only of this device.", "NAME"), ClientCommands.Text("--out", "Write it to this file (default: standard output).", "FILE"));
        var token = new Argument<string>("TOKEN") { Description = "Its id." };
        var revoked = new Argument<string?>("NAME") { Description = "Device: every certificate and open token of it.", Arity = ArgumentArity.ZeroOrOne };
        var serial = ClientCommands.Text("--serial", "Only the certificate of this number.", "SERIAL");
        var reason = ClientCommands.Reason();
        return new Command("ca", "The certificate authority of devices, brokers and the control plane.").With(
            CreateAuthority(),
            RenewAuthority(),
            Issue(),
            ClientCommands.Remote("show", "Show the CA that devices enrol with.", [], [], (client, _, cancellationToken) => client.GetAsync<AuthorityView>("ca", cancellationToken), Authority),
            ClientCommands.Change("token", "Make a one-time token for one device and print it: it cannot be shown again.", [name], [role, site, hosts, expires], async (client, parsed, cancellationToken) =>
                (await client.ChangeAsync<NewEnrolment>(
                    HttpMethod.Post, "ca/tokens",
                    new { name = parsed.GetValue(name), role = parsed.GetValue(role), site = parsed.GetValue(site), hosts = parsed.GetValue(hosts) ?? [], expires = parsed.GetValue(expires) },
                    cancellationToken)).Token),
            ClientCommands.Remote("tokens", "List the enrolment tokens and what became of them.", [], [], (client, _, cancellationToken) => client.GetListAsync<EnrolmentView>("ca/tokens", int.MaxValue, cancellationToken), Tokens),
            ClientCommands.Change("withdraw", "Withdraw a token that was not used.", [token], [], async (client, parsed, cancellationToken) =>
            {
                await client.ChangeAsync(HttpMethod.Delete, $"ca/tokens/{ClientCommands.Escape(parsed.GetValue(token))}", null, cancellationToken);
                return "Withdrawn.";
            }),
            ClientCommands.Remote(
                "list", "List the certificates that were issued.", [], [of],
                (client, parsed, cancellationToken) => client.GetListAsync<CertificateView>(ClientCommands.Query("ca/certificates", parsed, ("name", of)), int.MaxValue, cancellationToken), Certificates),
            ClientCommands.Change("revoke", "Revoke a device's certificates at once; its connections are cut.", [revoked], [serial, reason], async (client, parsed, cancellationToken) =>
            {
                var body = new { name = parsed.GetValue(revoked), serial = parsed.GetValue(serial), reason = parsed.GetValue(reason) };
                if (body.name is null == body.serial is null)
                {
                    throw new UsageException("Say either NAME or --serial SERIAL.", "dr-silo ca list shows both.");
                }

                var answer = await client.ChangeAsync<RevokedView>(HttpMethod.Post, "ca/revocations", body, cancellationToken);
                return $"Revoked: {string.Join(", ", answer.Serials)}.";
            }),
            ClientCommands.Raw("crl", "Print the newest revocation list, or write it to a file.", [], [out_], async (client, parsed, cancellationToken) =>
            {
                var list = (await client.GetAsync<RevocationListView>("ca/crl", cancellationToken)).List;
                if (parsed.GetValue(out_) is { } file)
                {
                    AuthorityFiles.WriteFile(Path.GetFullPath(file), list, isSecret: false);
                }
                else
                {
                    Console.Out.WriteLine(list);
                }

                return ProgramShell.Done;
            }));
    }

    private static Command CreateAuthority()
    {
        var name = new Option<string>("--name") { Description = "What the CA is called.", HelpName = "TEXT", DefaultValueFactory = _ => "Dr CA" };
        return Local("create", "Make a CA: once, on the machine of the control plane. Keep a copy of its folder off-line.", [], [name], CertificateLimits.AuthorityLife, async (local, parsed, cancellationToken) =>
        {
            if (AuthorityFiles.IsThere(local.Folder))
            {
                throw new DrException($"There is a CA in {local.Folder} already.", "Every device trusts that one. dr-silo ca renew makes it last longer; move the folder away only to begin anew.");
            }

            using var authority = CertificateAuthority.Create(parsed.GetValue(name)!, local.Life, DateTimeOffset.UtcNow);
            AuthorityFiles.Write(local.Folder, authority, local.Passphrase);
            await local.Store.RefreshListAsync(authority, always: true, cancellationToken);
            await local.Store.NoteAsync(local.Actor, "ca.created", parsed.GetValue(name)!, $"A certificate authority was made, good until {authority.NotAfter:u}.", [("fingerprint", authority.Fingerprint)], cancellationToken);
            return $"The CA is in {local.Folder}; its key is in {AuthorityFiles.KeyName}{(local.Passphrase is null ? ", without a passphrase" : "")}. Fingerprint {authority.Fingerprint}.";
        });
    }

    private static Command RenewAuthority() => Local(
        "renew", "Make the CA last longer: a new certificate of the same name and key, so that everything it issued stays good. Restart dr-silo afterwards; devices get it with their next renewal.", [], [], CertificateLimits.AuthorityLife,
        async (local, _, cancellationToken) =>
        {
            using var former = AuthorityFiles.Read(local.Folder, local.Passphrase);
            using var authority = CertificateAuthority.Create("", local.Life, DateTimeOffset.UtcNow, former);
            AuthorityFiles.Replace(local.Folder, authority);
            await local.Store.NoteAsync(local.Actor, "ca.renewed", authority.Certificate.Subject, $"The certificate authority was renewed, good until {authority.NotAfter:u}.", [("fingerprint", authority.Fingerprint)], cancellationToken);
            return $"Good until {authority.NotAfter:u}. Fingerprint {authority.Fingerprint}.";
        });

    private static Command Issue()
    {
        var (name, role, hosts) = (NameArgument(), RoleOption(CertificateRoles.All), HostOption());
        var folder = new Option<string>("--out") { Description = "Folder for NAME.pem, NAME.key, ca.pem and the revocation list revoked.pem.", HelpName = "DIR", Required = true };
        return Local(
            "issue", "Make key and certificate by hand on the CA's machine, for the control plane itself (name control-plane), a broker, or a device that cannot enrol. Again to renew: who uses the files reads them again.", [name], [role, hosts, folder],
            CertificateLimits.ServerLife, async (local, parsed, cancellationToken) =>
            {
                var order = new CertificateOrder(parsed.GetValue(name)!, parsed.GetValue(role)!, parsed.GetValue(hosts) ?? [], local.Life);
                if (CertificateRoles.RefusalOf(order.Name, order.Role, order.Hosts, byToken: false) is { } refusal)
                {
                    throw new UsageException(refusal, "dr-silo ca issue control-plane --role control-plane --host 10.0.0.5 --out DIR");
                }

                using var authority = AuthorityFiles.Read(local.Folder, local.Passphrase);
                using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                var record = await local.Store.IssueAsync(authority, order, new PublicKey(key), local.Actor, cancellationToken);
                var target = Path.GetFullPath(parsed.GetValue(folder)!);
                AuthorityFiles.CreateFolder(target);
                AuthorityFiles.WriteFile(Path.Combine(target, $"{order.Name}.key"), key.ExportPkcs8PrivateKeyPem(), isSecret: true);
                AuthorityFiles.WriteFile(Path.Combine(target, $"{order.Name}.pem"), record.Pem, isSecret: false);
                AuthorityFiles.WriteFile(Path.Combine(target, AuthorityFiles.CertificateName), authority.Pem, isSecret: false);
                if (await local.Store.NewestListAsync(cancellationToken) is { } list)
                {
                    // A broker that is to read one does not start without.
                    AuthorityFiles.WriteFile(Path.Combine(target, "revoked.pem"), list.List, isSecret: false);
                }

                return $"Certificate {record.Serial} of {order.Name} is in {target}, good until {record.NotAfter:u}.";
            });
    }

    /// <summary>A command that works on the CA's folder and the database itself.</summary>
    private static Command Local(string name, string description, Argument[] arguments, Option[] options, TimeSpan life, Func<LocalAuthority, ParseResult, CancellationToken, Task<string>> run)
    {
        var data = new Option<string?>("--data") { Description = "Data directory of dr-silo.", HelpName = "DIR" };
        var postgres = new Option<string?>("--postgres") { Description = "PostgreSQL connection string, in place of --data.", HelpName = "CONNECTION" };
        var folder = new Option<string?>("--ca") { Description = "The CA's folder (default: ca in the data directory).", HelpName = "DIR" };
        var passphrase = new Option<string?>("--ca-passphrase-file") { Description = "File whose first line is the passphrase of the CA's key.", HelpName = "FILE" };
        var lasts = new Option<string?>("--life") { Description = $"How long it lasts (default {life.TotalDays:0}d).", HelpName = "TIME" };
        var command = new Command(name, description);
        foreach (var argument in arguments)
        {
            command.Arguments.Add(argument);
        }

        foreach (var option in options.Concat([data, postgres, folder, passphrase, lasts]))
        {
            command.Options.Add(option);
        }

        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(data) is null == parsed.GetValue(postgres) is null)
            {
                throw new UsageException("Give either --data DIR or --postgres CONNECTION.", "As dr-silo run has it: what is issued is written into its database.");
            }

            var where = parsed.GetValue(folder) ?? (parsed.GetValue(data) is { } own ? Path.Combine(own, CertificateOptions.FolderName) : throw new UsageException("Where the CA is, is missing.", "Give --ca DIR."));
            var database = SiloApp.OpenDatabase(parsed.GetValue(data), parsed.GetValue(postgres));
            await new Migrator(database).ApplyAsync(cancellationToken);
            var local = new LocalAuthority(
                Path.GetFullPath(where), AuthorityFiles.Passphrase(parsed.GetValue(passphrase)), new CertificateStore(database, new AuditLog(database), TimeProvider.System),
                parsed.GetValue(lasts) is { } text ? LifeOf(text) : life, $"{Environment.UserName}@{Environment.MachineName}");
            Console.Out.WriteLine(await run(local, parsed, cancellationToken));
            return ProgramShell.Done;
        });
        return command;
    }

    private static TimeSpan LifeOf(string text) => Quantities.ParseDuration(text, "--life") is var life && life > TimeSpan.Zero && life <= 3 * CertificateLimits.AuthorityLife
        ? life
        : throw new UsageException($"--life: '{text}' is not a time that a certificate can last.", "Write for example 398d.");

    private static Argument<string> NameArgument() => new("NAME") { Description = "The device's id, or the broker's name; the certificate's common name." };

    private static Option<string> RoleOption(IReadOnlyList<string> roles) => new("--role") { Description = "What it is for.", HelpName = string.Join('|', roles), Required = true };

    private static Option<string[]> HostOption() => new("--host") { Description = "Name or address by which it is reached, for a server; may be given several times.", HelpName = "HOST" };

    private static Table Authority(AuthorityView view) => ViewTables.Make(
        ["", ""], [["CA", view.Name], ["Fingerprint", view.Fingerprint], ["Good until", Time(view.NotAfter)]]).HideHeaders();

    private static Table Tokens(IReadOnlyList<EnrolmentView> tokens) => ViewTables.Make(
        ["Token", "Device", "Role", "Site", "State", "Made by", "Expires", "Certificate"],
        tokens.Select(t => new[] { t.Id, t.Name, t.Role, t.Site ?? "", t.State.ToString(), t.CreatedBy, Time(t.ExpiresAt), t.Serial ?? "" }));

    private static Table Certificates(IReadOnlyList<CertificateView> certificates) => ViewTables.Make(
        ["Device", "Role", "Serial", "Issued", "Good until", "Revoked"],
        certificates.Select(c => new[] { c.Name, c.Role, c.Serial, Time(c.IssuedAt), Time(c.NotAfter), c.RevokedAt is { } at ? $"{Time(at)}: {c.RevokedReason}" : "" }));

    private static string Time(DateTimeOffset at) => at.ToString("u", CultureInfo.InvariantCulture);

    /// <summary>What a command on the CA's own machine works with.</summary>
    private sealed record LocalAuthority(string Folder, string? Passphrase, CertificateStore Store, TimeSpan Life, string Actor);
}
