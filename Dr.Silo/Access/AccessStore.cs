using System.Data.Common;
using Dapper;
using Dr.Silo.Storage;

namespace Dr.Silo.Access;

/// <summary>Users and tokens in the database. Nothing is cached: what is revoked or disabled is refused by the next request, on every silo.</summary>
internal sealed class AccessStore(Database database, TimeProvider time)
{
    private const string UserColumns = "name as Name, role as Role, password as Password, created_at as CreatedAt, created_by as CreatedBy, disabled_at as DisabledAt, version as Version";

    private const string TokenColumns =
        "id as Id, hash as Hash, kind as Kind, user_name as UserName, role as Role, label as Label, created_at as CreatedAt, expires_at as ExpiresAt, revoked_at as RevokedAt, last_used_at as LastUsedAt";

    public async Task<bool> HasUsersAsync(CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<long>("select count(*) from (select 1 from dr_user limit 1) as one") > 0;
    }

    public async Task<UserRecord?> UserAsync(string name, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        return (await connection.QuerySingleOrDefaultAsync<UserRow>($"select {UserColumns} from dr_user where name = @Name", new { Name = name }))?.ToRecord();
    }

    public async Task<IReadOnlyList<UserRecord>> UsersAsync(string after, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var rows = await connection.QueryAsync<UserRow>($"select {UserColumns} from dr_user where name > @After order by name limit @Limit", new { After = after, Limit = limit });
        return [.. rows.Select(row => row.ToRecord())];
    }

    /// <summary>False: the name is taken. With <paramref name="setup"/> the one-time token is used up in the same transaction; false also when it was used before.</summary>
    public Task<bool> AddUserAsync(string name, Role role, string? password, string by, string? setup, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            await database.LockAsync(connection, transaction, "dr.users", cancellationToken);
            if (setup is not null && await connection.ExecuteScalarAsync<long>("select count(*) from dr_user", transaction: transaction) > 0)
            {
                return false;
            }

            var added = await connection.ExecuteAsync(
                "insert into dr_user (name, role, password, created_at, created_by, version) values (@Name, @Role, @Password, @Now, @By, 1) on conflict (name) do nothing",
                new { Name = name, Role = role.ToString(), Password = password, Now = Now(), By = by },
                transaction);
            if (added == 1)
            {
                // Whoever is first ends every one-time token.
                await connection.ExecuteAsync("update dr_token set revoked_at = @Now where kind = 'Setup' and revoked_at is null", new { Now = Now() }, transaction);
            }

            return added == 1;
        },
        cancellationToken);

    /// <summary>Changes what is given; false: no such user, or not at <paramref name="version"/> any more. The last enabled administrator stays one.</summary>
    public Task<ChangeAnswer> ChangeUserAsync(string name, long? version, Role? role, string? password, bool? disabled, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            await database.LockAsync(connection, transaction, "dr.users", cancellationToken);
            var user = (await connection.QuerySingleOrDefaultAsync<UserRow>($"select {UserColumns} from dr_user where name = @Name", new { Name = name }, transaction))?.ToRecord();
            if (user is null)
            {
                return ChangeAnswer.Unknown;
            }

            if (version is { } seen && seen != user.Version)
            {
                return ChangeAnswer.Moved;
            }

            var next = user with { Role = role ?? user.Role, Password = password ?? user.Password, DisabledAt = disabled switch { true => user.DisabledAt ?? time.GetUtcNow(), false => null, _ => user.DisabledAt } };
            if (user is { Role: Role.Admin, DisabledAt: null } && next is not { Role: Role.Admin, DisabledAt: null }
                && await connection.ExecuteScalarAsync<long>("select count(*) from dr_user where role = 'Admin' and disabled_at is null", transaction: transaction) < 2)
            {
                return ChangeAnswer.LastAdmin;
            }

            await connection.ExecuteAsync(
                "update dr_user set role = @Role, password = @Password, disabled_at = @DisabledAt, version = version + 1 where name = @Name",
                new { Name = name, Role = next.Role.ToString(), next.Password, DisabledAt = next.DisabledAt?.ToStore() },
                transaction);
            if (password is not null)
            {
                // Whoever knew the old password may have sessions.
                await connection.ExecuteAsync(
                    "update dr_token set revoked_at = @Now where user_name = @Name and kind = 'Session' and revoked_at is null", new { Name = name, Now = Now() }, transaction);
            }

            return ChangeAnswer.Changed;
        },
        cancellationToken);

    /// <summary>Null when the user has as many as <see cref="AccessLimits.TokensPerUser"/> already.</summary>
    public Task<TokenRecord?> AddTokenAsync(AccessToken token, CallerKind kind, string user, Role role, string label, TimeSpan life, CancellationToken cancellationToken) => database.WriteAsync(
        async (connection, transaction) =>
        {
            var now = time.GetUtcNow();
            await connection.ExecuteAsync("delete from dr_token where expires_at < @Floor", new { Floor = (now - AccessLimits.TokenLife).ToStore() }, transaction);
            var row = new TokenRow
            {
                Id = token.Id,
                Hash = token.Hash(),
                Kind = kind.ToString(),
                UserName = user,
                Role = role.ToString(),
                Label = label,
                CreatedAt = now.ToStore(),
                ExpiresAt = (now + life).ToStore(),
            };
            var open = await connection.ExecuteScalarAsync<long>(
                "select count(*) from dr_token where user_name = @UserName and kind = @Kind and revoked_at is null and expires_at > @CreatedAt", row, transaction);
            if (open >= AccessLimits.TokensPerUser)
            {
                return null;
            }

            await connection.ExecuteAsync(
                "insert into dr_token (id, hash, kind, user_name, role, label, created_at, expires_at) values (@Id, @Hash, @Kind, @UserName, @Role, @Label, @CreatedAt, @ExpiresAt)", row, transaction);
            return row.ToRecord();
        },
        cancellationToken);

    /// <summary>The row of a token that may be used now, with its user's role as it is today; null for one that is unknown, revoked, expired or whose user is disabled.</summary>
    public async Task<(TokenRecord Token, UserRecord? User)?> FindAsync(AccessToken token, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var row = await connection.QuerySingleOrDefaultAsync<TokenRow>($"select {TokenColumns} from dr_token where id = @Id", new { token.Id });
        if (row is null || !token.Matches(row.Hash) || row.RevokedAt is not null || row.ExpiresAt <= Now())
        {
            return null;
        }

        var record = row.ToRecord();
        if (record.Kind == CallerKind.Setup)
        {
            return (record, null);
        }

        var user = (await connection.QuerySingleOrDefaultAsync<UserRow>($"select {UserColumns} from dr_user where name = @UserName", row))?.ToRecord();
        return user is { DisabledAt: null } ? (record, user) : null;
    }

    public Task NoteUseAsync(string id, CancellationToken cancellationToken) => DoAsync("update dr_token set last_used_at = @Now where id = @Id", new { Id = id, Now = Now() }, cancellationToken);

    public async Task<IReadOnlyList<TokenRecord>> TokensAsync(string? user, string after, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await database.OpenAsync(cancellationToken);
        var filter = user is null ? "" : "and user_name = @User";
        var rows = await connection.QueryAsync<TokenRow>(
            $"select {TokenColumns} from dr_token where id > @After and kind <> 'Setup' {filter} order by id limit @Limit", new { User = user, After = after, Limit = limit });
        return [.. rows.Select(row => row.ToRecord())];
    }

    /// <summary>Revokes; false: there is none of that id (of that user, if given), or it was revoked before.</summary>
    public async Task<bool> RevokeAsync(string id, string? user, CancellationToken cancellationToken) => await DoAsync(
        $"update dr_token set revoked_at = @Now where id = @Id and revoked_at is null and kind <> 'Setup' {(user is null ? "" : "and user_name = @User")}",
        new { Id = id, User = user, Now = Now() },
        cancellationToken) == 1;

    private Task<int> DoAsync(string sql, object parameters, CancellationToken cancellationToken) =>
        database.WriteAsync((connection, transaction) => connection.ExecuteAsync(sql, parameters, transaction), cancellationToken);

    private long Now() => time.GetUtcNow().ToStore();

    private sealed record UserRow
    {
        public string Name { get; init; } = "";

        public string Role { get; init; } = "";

        public string? Password { get; init; }

        public long CreatedAt { get; init; }

        public string CreatedBy { get; init; } = "";

        public long? DisabledAt { get; init; }

        public long Version { get; init; }

        public UserRecord ToRecord() => new()
        {
            Name = Name,
            Role = Enum.Parse<Role>(Role),
            Password = Password,
            CreatedAt = Clocks.FromStore(CreatedAt),
            CreatedBy = CreatedBy,
            DisabledAt = Clocks.FromStore(DisabledAt),
            Version = Version,
        };
    }

    private sealed record TokenRow
    {
        public string Id { get; init; } = "";

        public string Hash { get; init; } = "";

        public string Kind { get; init; } = "";

        public string UserName { get; init; } = "";

        public string Role { get; init; } = "";

        public string Label { get; init; } = "";

        public long CreatedAt { get; init; }

        public long ExpiresAt { get; init; }

        public long? RevokedAt { get; init; }

        public long? LastUsedAt { get; init; }

        public TokenRecord ToRecord() => new()
        {
            Id = Id,
            Kind = Enum.Parse<CallerKind>(Kind),
            User = UserName,
            Role = Enum.Parse<Role>(Role),
            Label = Label,
            CreatedAt = Clocks.FromStore(CreatedAt),
            ExpiresAt = Clocks.FromStore(ExpiresAt),
            RevokedAt = Clocks.FromStore(RevokedAt),
            LastUsedAt = Clocks.FromStore(LastUsedAt),
        };
    }
}
