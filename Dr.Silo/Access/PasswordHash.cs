using System.Security.Cryptography;

namespace Dr.Silo.Access;

/// <summary>Passwords as <c>pbkdf2-sha256$ITERATIONS$SALT$HASH</c> (base64): the cost is in the text, so that it can be raised and old ones still verify.</summary>
internal static class PasswordHash
{
    public const int MinLength = 10;

    /// <summary>More than anybody types; keeps a request from buying much hashing.</summary>
    public const int MaxLength = 256;

    /// <summary>OWASP's figure for PBKDF2 with HMAC-SHA-256.</summary>
    public const int Iterations = 600_000;

    private const string Scheme = "pbkdf2-sha256";
    private const int SaltBytes = 16;
    private const int HashBytes = 32;
    private const int IterationsMax = 10_000_000;

    // Verified for a name that does not exist, so that its absence does not show in the time that the answer takes.
    private static readonly string Nobody = Make(Convert.ToBase64String(RandomNumberGenerator.GetBytes(SaltBytes)), Iterations);

    public static string Make(string password) => Make(password, Iterations);

    internal static string Make(string password, int iterations)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var hash = Rfc2898DeriveBytes.Pbkdf2(password, salt, iterations, HashAlgorithmName.SHA256, HashBytes);
        return string.Create(CultureInfo.InvariantCulture, $"{Scheme}${iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}");
    }

    /// <summary>False also for a stored text that is none of ours; takes as long for <c>null</c> as for any other.</summary>
    public static bool Verify(string? stored, string password)
    {
        var parts = (stored ?? Nobody).Split('$');
        if (parts is not [Scheme, var count, var salt, var hash] || !int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var iterations) || iterations is < 1 or > IterationsMax)
        {
            return false;
        }

        Span<byte> saltBytes = stackalloc byte[64];
        Span<byte> expected = stackalloc byte[64];
        if (!Convert.TryFromBase64String(salt, saltBytes, out var saltLength) || !Convert.TryFromBase64String(hash, expected, out var hashLength) || hashLength != HashBytes)
        {
            return false;
        }

        Span<byte> actual = stackalloc byte[HashBytes];
        Rfc2898DeriveBytes.Pbkdf2(password, saltBytes[..saltLength], actual, iterations, HashAlgorithmName.SHA256);
        return CryptographicOperations.FixedTimeEquals(actual, expected[..hashLength]) & stored is not null;
    }

    /// <summary>Why a password is not taken; null when it is.</summary>
    public static string? RefusalOf(string? password) => password?.Length switch
    {
        null or < MinLength => $"A password has at least {MinLength} characters.",
        > MaxLength => $"A password has at most {MaxLength} characters.",
        _ => null,
    };
}
