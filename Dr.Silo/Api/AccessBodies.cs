using Dr.Silo.Access;

namespace Dr.Silo.Api;

/// <param name="Session">True: a cookie for the console; false: a token in the answer.</param>
internal sealed record SignInBody(string? Name, string? Password, bool Session = false);

/// <param name="Token">Null with a session: that is in the cookie.</param>
internal sealed record SignedIn(string Name, Role Role, DateTimeOffset ExpiresAt, string? Token);

internal sealed record CallerView(string Name, Role Role, CallerKind Kind);

internal sealed record PasswordBody(string? Old, string? New);

/// <param name="Password">Null = tokens only.</param>
internal sealed record NewUserBody(string? Name, string? Role, string? Password);

internal sealed record ChangeUserBody(string? Role, string? Password, bool? Disabled);

/// <param name="Expires">A duration such as <c>30d</c>; default 90 days.</param>
internal sealed record NewTokenBody(string? User, string? Role, string? Label, string? Expires);

internal sealed record NewToken(string Id, string User, Role Role, DateTimeOffset ExpiresAt, string Token);

internal sealed record UserView(string Name, Role Role, bool HasPassword, DateTimeOffset CreatedAt, string CreatedBy, DateTimeOffset? DisabledAt, long Version)
{
    public static UserView Of(UserRecord user) => new(user.Name, user.Role, user.Password is not null, user.CreatedAt, user.CreatedBy, user.DisabledAt, user.Version);
}

internal sealed record TokenView(string Id, string User, CallerKind Kind, Role Role, string Label, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt, DateTimeOffset? RevokedAt, DateTimeOffset? LastUsedAt)
{
    public static TokenView Of(TokenRecord token) => new(token.Id, token.User, token.Kind, token.Role, token.Label, token.CreatedAt, token.ExpiresAt, token.RevokedAt, token.LastUsedAt);
}
