using Dr.Silo.Storage;

namespace Dr.Silo.Access;

internal enum SignInAnswer
{
    Done,

    /// <summary>Name or password is wrong, or the user is disabled: which of them is nobody's business.</summary>
    Refused,

    /// <summary>Too many failures; <see cref="SignInOutcome.Wait"/> says how long.</summary>
    TooMany,

    /// <summary>Too many sign-ins are being checked at once.</summary>
    Busy,
}

internal sealed record SignInOutcome(SignInAnswer Answer, AccessToken Token = default, TokenRecord? Record = null, TimeSpan? Wait = null);

/// <summary>Name and password against a token: counted, limited, audited.</summary>
internal sealed partial class SignInService(AccessStore store, AuditLog audit, TimeProvider time, ILogger<SignInService> logger) : IDisposable
{
    private readonly SignInLimiter _limiter = new();
    private readonly SemaphoreSlim _verifying = new(AccessLimits.VerificationsAtOnce);
    private int _waiting;

    public async Task<SignInOutcome> SignInAsync(string name, string password, string address, CallerKind kind, string label, CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        if (_limiter.WaitFor(name, address, now) is { } wait)
        {
            // Not audited one by one: the failures that led here are, and an attacker must not fill the audit.
            LogLimited(name, address);
            return new SignInOutcome(SignInAnswer.TooMany, Wait: wait);
        }

        if (await VerifyAsync(name, password, cancellationToken) is not { } good)
        {
            return new SignInOutcome(SignInAnswer.Busy, Wait: TimeSpan.FromSeconds(1));
        }

        if (!good.Verified || good.User is not { DisabledAt: null } user)
        {
            _limiter.Failed(name, address, now);
            await AuditAsync("sign-in.refused", name, $"A sign-in from {address} was refused.", address);
            return new SignInOutcome(SignInAnswer.Refused);
        }

        _limiter.Succeeded(name);
        var token = AccessToken.New();
        var life = kind == CallerKind.Session ? AccessLimits.SessionLife : AccessLimits.LoginLife;
        if (await store.AddTokenAsync(token, kind, user.Name, user.Role, label, life, cancellationToken) is not { } record)
        {
            return new SignInOutcome(SignInAnswer.TooMany, Wait: life);
        }

        await AuditAsync("sign-in", user.Name, $"{user.Name} signed in from {address} as {user.Role}.", address);
        return new SignInOutcome(SignInAnswer.Done, token, record);
    }

    public void Dispose() => _verifying.Dispose();

    private async Task<(UserRecord? User, bool Verified)?> VerifyAsync(string name, string password, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _waiting) > AccessLimits.VerificationsWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return null;
        }

        try
        {
            var user = await store.UserAsync(name, cancellationToken);
            await _verifying.WaitAsync(cancellationToken);
            try
            {
                return (user, await Task.Run(() => PasswordHash.Verify(user?.Password, password), cancellationToken));
            }
            finally
            {
                _verifying.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private Task<int> AuditAsync(string action, string name, string text, string address) => audit.AppendAsync(
        [(null, new AuditRecord { At = time.GetUtcNow(), Actor = name, Action = action, Subject = name, Text = text, Evidence = new Dictionary<string, string> { ["address"] = address } })],
        CancellationToken.None);

    [LoggerMessage(3801, LogLevel.Warning, "Sign-in of {Name} from {Address} was not even checked: too many failures")]
    private partial void LogLimited(string name, string address);
}
