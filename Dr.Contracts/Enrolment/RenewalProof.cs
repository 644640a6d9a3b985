using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Dr.Contracts.Enrolment;

/// <summary>
/// How the holder of a certificate proves that a request for the next one is its own: it signs the request with the present key. Whoever records and repeats it gets a certificate for a key that only the device has. ECDSA with SHA-256.
/// </summary>
public static class RenewalProof
{
    /// <summary>Clocks of devices drift; a longer time gains an attacker nothing.</summary>
    public static readonly TimeSpan GoodFor = TimeSpan.FromHours(1);

    /// <summary>What is signed: purpose, present serial number, time, request.</summary>
    public static byte[] Text(string serial, DateTimeOffset at, string request) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"dr renewal\n{serial}\n{at.ToUnixTimeMilliseconds()}\n{request}"));

    public static string Sign(ECDsa key, string serial, DateTimeOffset at, string request)
    {
        ArgumentNullException.ThrowIfNull(key);
        return Convert.ToBase64String(key.SignData(Text(serial, at, request), HashAlgorithmName.SHA256));
    }

    public static bool IsGood(X509Certificate2 present, string serial, DateTimeOffset at, string request, string signature)
    {
        ArgumentNullException.ThrowIfNull(present);
        using var key = present.GetECDsaPublicKey();
        var bytes = new byte[signature.Length];
        return key is not null && Convert.TryFromBase64String(signature, bytes, out var length) && key.VerifyData(Text(serial, at, request), bytes.AsSpan(0, length), HashAlgorithmName.SHA256);
    }
}
