using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Dr.Edge.Archives.Format;

/// <summary>What the operator has: the bytes of a key file, or a passphrase.</summary>
internal sealed record ArchiveSecret(ArchiveKeyKind Kind, byte[] Bytes)
{
    /// <summary>PBKDF2-HMAC-SHA-512 rounds of new archives: 210 000, as the OWASP Password Storage Cheat Sheet has it.</summary>
    public const int NewIterations = 210_000;

    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdefABCDEF"u8);

    /// <summary>A key file holds at least 16 bytes as they are, or as hexadecimal or Base64 text with a line end.</summary>
    /// <exception cref="DrException">It cannot be one.</exception>
    public static ArchiveSecret FromKeyFile(ReadOnlySpan<byte> content, string path)
    {
        var trimmed = content.TrimEnd("\r\n \t"u8);
        var key = content.ToArray();
        if (trimmed.Length > 0 && trimmed.Length % 2 == 0 && !trimmed.ContainsAnyExcept(HexDigits))
        {
            key = Convert.FromHexString(Encoding.ASCII.GetString(trimmed));
        }
        else if (Base64.IsValid(trimmed, out var length) && length > 0)
        {
            key = Convert.FromBase64String(Encoding.ASCII.GetString(trimmed));
        }

        return key.Length >= ArchiveLimits.MinKeyBytes
            ? new ArchiveSecret(ArchiveKeyKind.KeyFile, key)
            : throw new DrException($"{path} has a key of {key.Length} bytes.", $"A key file holds at least {ArchiveLimits.MinKeyBytes} random bytes: 'dr-edge archive new-key FILE' makes one.");
    }

    /// <summary>The first line of the file, as UTF-8.</summary>
    /// <exception cref="DrException">It is empty.</exception>
    public static ArchiveSecret FromPassphraseFile(ReadOnlySpan<byte> content, string path)
    {
        var end = content.IndexOfAny("\r\n"u8);
        var line = end < 0 ? content : content[..end];
        return line.IsEmpty
            ? throw new DrException($"The first line of {path} is empty.", "Write the passphrase into it, in one line.")
            : new ArchiveSecret(ArchiveKeyKind.Passphrase, line.ToArray());
    }

    /// <summary>The key of a set, from the salt in its headers.</summary>
    public byte[] Master(ReadOnlySpan<byte> salt, int iterations) => Kind switch
    {
        ArchiveKeyKind.KeyFile => HKDF.Extract(HashAlgorithmName.SHA256, Bytes, salt.ToArray()),
        ArchiveKeyKind.Passphrase => Rfc2898DeriveBytes.Pbkdf2(Bytes, salt, Math.Max(iterations, 1), HashAlgorithmName.SHA512, ArchiveSeal.KeyBytes),
        _ => throw new InvariantException("an archive without encryption has no key"),
    };
}
