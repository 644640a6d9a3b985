using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Dr.Silo.Access;

/// <summary>
/// A secret that stands for a caller: <c>dr_ID_SECRET</c>. The id is public and finds the row; of the secret (256 random bits) only a SHA-256 is stored, which is
/// enough for something that cannot be guessed.
/// </summary>
internal readonly record struct AccessToken(string Id, string Secret)
{
    private const string Prefix = "dr_";
    private const int IdBytes = 6;
    private const int SecretBytes = 32;
    private const int LengthMax = 128;

    public static AccessToken New() =>
        new(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes)), Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes)));

    public static bool TryParse(string? text, out AccessToken token)
    {
        token = default;
        if (text is null || text.Length > LengthMax || !text.StartsWith(Prefix, StringComparison.Ordinal) || text.IndexOf('_', Prefix.Length) is not (> 0 and var end))
        {
            return false;
        }

        token = new AccessToken(text[Prefix.Length..end], text[(end + 1)..]);
        return token is { Id.Length: IdBytes * 2, Secret.Length: > 0 };
    }

    public string Hash() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Secret)));

    public bool Matches(string hash) => CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(hash), Encoding.ASCII.GetBytes(Hash()));

    /// <summary>What a page of this session sends along with every change: a page of another origin can make the browser send the cookie, but cannot know this.</summary>
    public string ForgeryKey() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"forgery|{Secret}")).AsSpan(0, 16));

    public override string ToString() => $"{Prefix}{Id}_{Secret}";
}
