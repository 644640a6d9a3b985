using System.Data.Common;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dapper;
using Dr.Contracts.Enrolment;
using Dr.Contracts.Tls;
using Dr.Silo.Access;
using Dr.Silo.Decisions.Alerts;
using Dr.Silo.Storage;

namespace Dr.Silo.Certificates;

/// <summary>
/// Certificates, enrolment tokens and revocation lists in the database. Whatever issues or withdraws is one transaction with its audit entry and, when something was withdrawn, with the next revocation list: a certificate is revoked
/// exactly when it is in the newest list.
/// </summary>
internal sealed class CertificateStore(Database database, AuditLog audit, TimeProvider time)
{
    private const string Lock = "dr.ca";

    private static readonly TimeSpan ListsApart = TimeSpan.FromSeconds(1);

    private const string CertificateColumns =
        "serial as Serial, name as Name, role as Role, hosts as Hosts, pem as Pem, key_hash as KeyHash, issued_at as IssuedAt, issued_by as IssuedBy, not_after as NotAfter, revoked_at as RevokedAt, revoked_reason as RevokedReason";

    private const string EnrolmentColumns =
        "id as Id, hash as Hash, name as Name, role as Role, site as Site, hosts as Hosts, created_at as CreatedAt, created_by as CreatedBy, expires_at as ExpiresAt, revoked_at as RevokedAt, used_at as UsedAt, serial as Serial";

    /// <summary>Certificates in the order of their names, newest first, after the cursor <c>name|serial</c>.</summary>
    public async Task<IReadOnlyList<CertificateRecord>> ListAsync(string? name, string after, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<CertificateRow>(
            $"select {CertificateColumns} from dr_certificate where name || '|' || serial > @After {(name is null ? "" : "and name = @Name")} order by name || '|' || serial limit @Limit", new { After = after, Name = name, Limit = limit });
        return [.. rows.Select(row => row.ToRecord())];
    }

    public async Task<IReadOnlyList<EnrolmentRecord>> TokensAsync(string after, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<EnrolmentRow>($"select {EnrolmentColumns} from dr_enrolment where id > @After order by id limit @Limit", new { After = after, Limit = limit });
        return [.. rows.Select(row => row.ToRecord())];
    }

    /// <summary>The newest list; null before the first.</summary>
    public async Task<RevocationListView?> NewestListAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await NewestListAsync(connection, null);
    }

    /// <summary>Certificates withdrawn since <paramref name="since"/>.</summary>
    public async Task<IReadOnlyList<CertificateRecord>> RevokedSinceAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return [.. (await connection.QueryAsync<CertificateRow>($"select {CertificateColumns} from dr_certificate where revoked_at >= @Since", new { Since = since.ToStore() })).Select(row => row.ToRecord())];
    }

    /// <summary>The newest certificate of each name, where that was not withdrawn, should have been renewed, and has not ended long ago.</summary>
    public async Task<IReadOnlyList<CertificateEnd>> EndingAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var now = time.GetUtcNow();
        var rows = await connection.QueryAsync<CertificateRow>(
            "select name as Name, role as Role, issued_at as IssuedAt, not_after as NotAfter from dr_certificate c where revoked_at is null and not_after > @Seen and (@Now - issued_at) >= (not_after - issued_at) * @RenewAfter "
            + "and not exists (select 1 from dr_certificate n where n.name = c.name and n.not_after > c.not_after) order by name",
            new { Now = now.ToStore(), Seen = (now - AlertFacts.EndedCertificateSeen).ToStore(), CertificateLimits.RenewAfter });
        return [.. rows.Select(row => new CertificateEnd(row.Name, row.Role, Clocks.FromStore(row.IssuedAt), Clocks.FromStore(row.NotAfter)))];
    }

    public async Task<bool> HasGoodAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>("select count(*) from dr_certificate where name = @Name and revoked_at is null and not_after > @Now", new { Name = name, Now = Now() }) > 0;
    }

    /// <summary>Null when too many are open.</summary>
    public Task<EnrolmentRecord?> AddTokenAsync(AccessToken token, string name, string role, string? site, IReadOnlyList<string> hosts, TimeSpan life, string by, CancellationToken cancellationToken) => WriteAsync(
        async (connection, transaction) =>
        {
            var now = time.GetUtcNow();
            if (await connection.ExecuteScalarAsync<long>("select count(*) from dr_enrolment where used_at is null and revoked_at is null and expires_at > @Now", new { Now = now.ToStore() }, transaction) >= CertificateLimits.OpenTokensMax)
            {
                return null;
            }

            var row = new EnrolmentRow
            {
                Id = token.Id,
                Hash = token.Hash(),
                Name = name,
                Role = role,
                Site = site,
                Hosts = string.Join(' ', hosts),
                CreatedAt = now.ToStore(),
                CreatedBy = by,
                ExpiresAt = (now + life).ToStore(),
            };
            await connection.ExecuteAsync(
                "insert into dr_enrolment (id, hash, name, role, site, hosts, created_at, created_by, expires_at) values (@Id, @Hash, @Name, @Role, @Site, @Hosts, @CreatedAt, @CreatedBy, @ExpiresAt)", row, transaction);
            await AuditAsync(connection, transaction, by, "ca.token", name, $"A token for {role} {name} was made, good until {now + life:u}.", [("token", token.Id)], cancellationToken);
            return row.ToRecord();
        },
        cancellationToken);

    /// <summary>False: there is none of that id that could still be used.</summary>
    public Task<bool> RevokeTokenAsync(string id, string by, CancellationToken cancellationToken) => WriteAsync(
        async (connection, transaction) =>
        {
            var row = await connection.QuerySingleOrDefaultAsync<EnrolmentRow>($"select {EnrolmentColumns} from dr_enrolment where id = @Id and used_at is null and revoked_at is null", new { Id = id }, transaction);
            if (row is null)
            {
                return false;
            }

            await connection.ExecuteAsync("update dr_enrolment set revoked_at = @Now where id = @Id", new { Id = id, Now = Now() }, transaction);
            await AuditAsync(connection, transaction, by, "ca.token-revoked", row.Name, $"The token for {row.Role} {row.Name} was withdrawn.", [("token", id)], cancellationToken);
            return true;
        },
        cancellationToken);

    /// <summary>A certificate against a token. It is used up, and earlier certificates of the name are withdrawn, in the same transaction; the same key asks again and gets the same certificate.</summary>
    public Task<IssueOutcome> EnrolAsync(CertificateAuthority authority, AccessToken token, PublicKey key, TimeSpan life, CancellationToken cancellationToken) => WriteAsync(
        async (connection, transaction) =>
        {
            var row = await connection.QuerySingleOrDefaultAsync<EnrolmentRow>($"select {EnrolmentColumns} from dr_enrolment where id = @Id", new { token.Id }, transaction);
            if (row is null || !token.Matches(row.Hash) || row.RevokedAt is not null || row.ExpiresAt <= Now())
            {
                return IssueOutcome.Refused("The token is unknown, withdrawn or expired.", "An administrator makes a new one: dr-silo ca token NAME --role ROLE.");
            }

            if (row.UsedAt is not null)
            {
                var issued = await CertificateAsync(connection, transaction, row.Serial!);
                return issued is not null && issued.KeyHash == HashOf(key) && issued.IsGood(time.GetUtcNow())
                    ? new IssueOutcome(issued, null) { Site = row.Site }
                    : IssueOutcome.Refused("The token was used before.", "If that was not this device, revoke the certificate at once: dr-silo ca revoke. A token works once; make a new one.");
            }

            var order = new CertificateOrder(row.Name, row.Role, Split(row.Hosts), life);
            var record = await IssueAsync(connection, transaction, authority, order, key, $"token {row.Id}", cancellationToken);
            await connection.ExecuteAsync("update dr_enrolment set used_at = @Now, serial = @Serial where id = @Id", new { row.Id, record.Serial, Now = Now() }, transaction);
            await RevokeAsync(connection, transaction, authority, row.Name, null, except: record.Serial, "enrolled again", $"token {row.Id}", cancellationToken);
            return new IssueOutcome(record, null) { Site = row.Site };
        },
        cancellationToken);

    /// <summary>The next certificate of the same name, role and hosts. <paramref name="present"/> was proven to be the asker's.</summary>
    public Task<IssueOutcome> RenewAsync(CertificateAuthority authority, string present, PublicKey key, TimeSpan life, CancellationToken cancellationToken) => WriteAsync(
        async (connection, transaction) =>
        {
            var record = await CertificateAsync(connection, transaction, present);
            if (record is null || !record.IsGood(time.GetUtcNow()))
            {
                return IssueOutcome.Refused($"Certificate {present} is {(record is null ? "not of this CA" : record.RevokedAt is null ? "past its time" : "revoked")}.", "Enrol the device again with a new token: dr-silo ca token NAME --role ROLE.");
            }

            var order = new CertificateOrder(record.Name, record.Role, record.Hosts, life);
            return new IssueOutcome(await IssueAsync(connection, transaction, authority, order, key, $"certificate {present}", cancellationToken), null);
        },
        cancellationToken);

    /// <summary>What a person makes on the CA's machine.</summary>
    public Task<CertificateRecord> IssueAsync(CertificateAuthority authority, CertificateOrder order, PublicKey key, string by, CancellationToken cancellationToken) =>
        WriteAsync((connection, transaction) => IssueAsync(connection, transaction, authority, order, key, by, cancellationToken), cancellationToken);

    /// <summary>
    /// Withdraws every certificate of a name, with its open tokens, or the one of a serial number; the list is made anew. Those past their time as well: a connection that began with one goes on with it, and is
    /// cut only when the list names it. The serial numbers that were withdrawn.
    /// </summary>
    public Task<IReadOnlyList<string>> RevokeAsync(CertificateAuthority authority, string? name, string? serial, string reason, string by, CancellationToken cancellationToken) => WriteAsync(
        (connection, transaction) => RevokeAsync(connection, transaction, authority, name, serial, except: null, reason, by, cancellationToken), cancellationToken);

    /// <summary>Makes the list anew when there is none, or it is older than <see cref="CertificateLimits.ListRenewed"/>, or of another CA.</summary>
    public Task<bool> RefreshListAsync(CertificateAuthority authority, bool always, CancellationToken cancellationToken) => WriteAsync(
        async (connection, transaction) =>
        {
            var newest = await NewestListAsync(connection, transaction);
            if (!always && newest is not null && newest.MadeAt > time.GetUtcNow() - CertificateLimits.ListRenewed && IsOf(authority, newest.List))
            {
                return false;
            }

            await MakeListAsync(connection, transaction, authority);
            return true;
        },
        cancellationToken);

    public Task NoteAsync(string by, string action, string subject, string text, IReadOnlyList<(string Name, string Value)> facts, CancellationToken cancellationToken) => WriteAsync(
        async (connection, transaction) =>
        {
            await AuditAsync(connection, transaction, by, action, subject, text, facts, cancellationToken);
            return true;
        },
        cancellationToken);

    public static string HashOf(PublicKey key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));

    private static bool IsOf(CertificateAuthority authority, string list)
    {
        try
        {
            return RevocationList.Read(list, [authority.Certificate]) is not null;
        }
        catch (DrException)
        {
            return false;
        }
    }

    private static string[] Split(string hosts) => hosts.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static async Task<RevocationListView?> NewestListAsync(DbConnection connection, DbTransaction? transaction) =>
        (await connection.QuerySingleOrDefaultAsync<ListRow>("select number as Number, made_at as MadeAt, pem as Pem from dr_revocation_list order by number desc limit 1", transaction: transaction)) is { } row
            ? new RevocationListView(row.Number, Clocks.FromStore(row.MadeAt), row.Pem)
            : null;

    private static async Task<CertificateRecord?> CertificateAsync(DbConnection connection, DbTransaction transaction, string serial) =>
        (await connection.QuerySingleOrDefaultAsync<CertificateRow>($"select {CertificateColumns} from dr_certificate where serial = @Serial", new { Serial = serial }, transaction))?.ToRecord();

    private Task<T> WriteAsync<T>(Func<DbConnection, DbTransaction, Task<T>> work, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            await database.LockAsync(connection, transaction, Lock, cancellationToken);
            return await work(connection, transaction);
        },
        cancellationToken);

    private async Task<CertificateRecord> IssueAsync(DbConnection connection, DbTransaction transaction, CertificateAuthority authority, CertificateOrder order, PublicKey key, string by, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        using var certificate = authority.Issue(order, key, now);
        var row = new CertificateRow
        {
            Serial = RevocationList.SerialOf(certificate),
            Name = order.Name,
            Role = order.Role,
            Hosts = string.Join(' ', order.Hosts),
            Pem = certificate.ExportCertificatePem(),
            KeyHash = HashOf(key),
            IssuedAt = now.ToStore(),
            IssuedBy = by,
            NotAfter = new DateTimeOffset(certificate.NotAfter.ToUniversalTime()).ToStore(),
        };
        await connection.ExecuteAsync(
            "insert into dr_certificate (serial, name, role, hosts, pem, key_hash, issued_at, issued_by, not_after) values (@Serial, @Name, @Role, @Hosts, @Pem, @KeyHash, @IssuedAt, @IssuedBy, @NotAfter)", row, transaction);
        await AuditAsync(
            connection, transaction, by, "ca.issued", order.Name, $"A certificate for {order.Role} {order.Name} was issued, good until {Clocks.FromStore(row.NotAfter):u}.",
            [("serial", row.Serial), ("key", row.KeyHash), ("hosts", row.Hosts)], cancellationToken);
        return row.ToRecord();
    }

    private async Task<IReadOnlyList<string>> RevokeAsync(
        DbConnection connection, DbTransaction transaction, CertificateAuthority authority, string? name, string? serial, string? except, string reason, string by, CancellationToken cancellationToken)
    {
        var rows = (await connection.QueryAsync<CertificateRow>(
            $"select {CertificateColumns} from dr_certificate where revoked_at is null and {(serial is null ? "name = @Name" : "serial = @Serial")}",
            new { Name = name, Serial = serial },
            transaction)).Where(row => row.Serial != except).ToList();
        foreach (var row in rows)
        {
            await connection.ExecuteAsync("update dr_certificate set revoked_at = @Now, revoked_reason = @Reason where serial = @Serial", new { row.Serial, Now = Now(), Reason = reason }, transaction);
            await AuditAsync(connection, transaction, by, "ca.revoked", row.Name, $"The certificate of {row.Role} {row.Name} was revoked: {reason}.", [("serial", row.Serial)], cancellationToken);
        }

        if (name is not null && except is null)
        {
            await connection.ExecuteAsync("update dr_enrolment set revoked_at = @Now where name = @Name and used_at is null and revoked_at is null", new { Name = name, Now = Now() }, transaction);
        }

        if (rows.Count > 0)
        {
            await MakeListAsync(connection, transaction, authority);
        }

        return [.. rows.Select(row => row.Serial)];
    }

    private async Task MakeListAsync(DbConnection connection, DbTransaction transaction, CertificateAuthority authority)
    {
        var newest = await NewestListAsync(connection, transaction);

        // Times in a list are whole seconds, and a broker that is given two of one second keeps the first: lists are a second apart. They are dated back by more than a hurry of them can add up to.
        var now = time.GetUtcNow();
        if (newest is not null && now < newest.MadeAt + ListsApart)
        {
            now = newest.MadeAt + ListsApart;
        }

        var number = (newest?.Number ?? 0) + 1;

        // What is past its time is refused for that; without it the list stays short. What was withdrawn just now is on it all the same, for the connections that began with it.
        var revoked = await connection.QueryAsync<CertificateRow>(
            $"select {CertificateColumns} from dr_certificate where revoked_at is not null and (not_after > @Floor or revoked_at > @Floor) order by serial", new { Floor = (now - CertificateLimits.ListLife).ToStore() }, transaction);
        await connection.ExecuteAsync(
            "insert into dr_revocation_list (number, pem, made_at) values (@Number, @Pem, @MadeAt)",
            new { Number = number, Pem = authority.MakeList(number, revoked.Select(r => new RevokedSerial(r.Serial, Clocks.FromStore(r.RevokedAt!.Value))), now), MadeAt = now.ToStore() },
            transaction);
        await connection.ExecuteAsync("delete from dr_revocation_list where number < @Floor", new { Floor = number - 16 }, transaction);
    }

    private Task<int> AuditAsync(
        DbConnection connection, DbTransaction transaction, string by, string action, string subject, string text, IReadOnlyList<(string Name, string Value)> facts, CancellationToken cancellationToken) => audit.AppendAsync(
        connection,
        transaction,
        [(null, new AuditRecord { At = time.GetUtcNow(), Actor = by, Action = action, Subject = subject, Text = text, Evidence = facts.ToDictionary(f => f.Name, f => f.Value, StringComparer.Ordinal) })],
        cancellationToken);

    private long Now() => time.GetUtcNow().ToStore();

    private sealed record ListRow
    {
        public long Number { get; init; }

        public long MadeAt { get; init; }

        public string Pem { get; init; } = "";
    }

    private sealed record CertificateRow
    {
        public string Serial { get; init; } = "";

        public string Name { get; init; } = "";

        public string Role { get; init; } = "";

        public string Hosts { get; init; } = "";

        public string Pem { get; init; } = "";

        public string KeyHash { get; init; } = "";

        public long IssuedAt { get; init; }

        public string IssuedBy { get; init; } = "";

        public long NotAfter { get; init; }

        public long? RevokedAt { get; init; }

        public string? RevokedReason { get; init; }

        public CertificateRecord ToRecord() => new()
        {
            Serial = Serial,
            Name = Name,
            Role = Role,
            Hosts = Split(Hosts),
            Pem = Pem,
            KeyHash = KeyHash,
            IssuedAt = Clocks.FromStore(IssuedAt),
            IssuedBy = IssuedBy,
            NotAfter = Clocks.FromStore(NotAfter),
            RevokedAt = Clocks.FromStore(RevokedAt),
            RevokedReason = RevokedReason,
        };
    }

    private sealed record EnrolmentRow
    {
        public string Id { get; init; } = "";

        public string Hash { get; init; } = "";

        public string Name { get; init; } = "";

        public string Role { get; init; } = "";

        public string? Site { get; init; }

        public string Hosts { get; init; } = "";

        public long CreatedAt { get; init; }

        public string CreatedBy { get; init; } = "";

        public long ExpiresAt { get; init; }

        public long? RevokedAt { get; init; }

        public long? UsedAt { get; init; }

        public string? Serial { get; init; }

        public EnrolmentRecord ToRecord() => new()
        {
            Id = Id,
            Name = Name,
            Role = Role,
            Site = Site,
            Hosts = Split(Hosts),
            CreatedAt = Clocks.FromStore(CreatedAt),
            CreatedBy = CreatedBy,
            ExpiresAt = Clocks.FromStore(ExpiresAt),
            RevokedAt = Clocks.FromStore(RevokedAt),
            UsedAt = Clocks.FromStore(UsedAt),
            Serial = Serial,
        };
    }
}
