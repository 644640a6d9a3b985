using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Dr.Edge.Archives.Format;

/// <summary>
/// Seals and opens the records of one part. Encrypted: AES-256-GCM (NIST SP 800-38D) with a key of the part's own (HKDF-SHA-256, RFC 5869) and the record's number as nonce. Not encrypted: the tag is the first half
/// of SHA-256 over the same bytes. Either way a record fits only the part whose header it was made for, at its own place.
/// </summary>
internal sealed class ArchiveSeal : IDisposable
{
    public const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private static ReadOnlySpan<byte> PartInfo => "dr-archive/1 part"u8;
    private static ReadOnlySpan<byte> CheckInfo => "dr-archive/1 check"u8;

    private readonly AesGcm? _aes;
    private readonly IncrementalHash? _hash;
    private readonly byte[] _headerDigest;
    private byte[] _scratch = [];

    private ArchiveSeal(byte[] headerDigest, AesGcm? aes)
    {
        _headerDigest = headerDigest;
        _aes = aes;
        _hash = aes is null ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
    }

    /// <param name="page">The part's header as it is on the medium.</param>
    /// <param name="master">From <see cref="ArchiveSecret.Master"/>; null when the archive is not encrypted.</param>
    public static ArchiveSeal Create(PartHeader header, ReadOnlySpan<byte> page, byte[]? master)
    {
        if (master is null)
        {
            return new ArchiveSeal(PartHeader.Digest(page), null);
        }

        var key = HKDF.Expand(HashAlgorithmName.SHA256, master, KeyBytes, Info(PartInfo, header.Set, header.PartSalt));
        return new ArchiveSeal(PartHeader.Digest(page), new AesGcm(key, RecordHeader.TagBytes));
    }

    /// <summary>Tells a wrong key; says nothing about the right one that the archive itself does not.</summary>
    public static byte[] KeyCheck(byte[]? master, Guid set) =>
        master is null ? new byte[PartHeader.KeyCheckBytes] : HKDF.Expand(HashAlgorithmName.SHA256, master, PartHeader.KeyCheckBytes, Info(CheckInfo, set, []));

    /// <summary>Makes the record whole: encrypts <paramref name="payload"/> in place when it is content and the archive is encrypted, and writes tag and checksums.</summary>
    public void Seal(RecordHeader record, Span<byte> header, Span<byte> payload)
    {
        record.WriteBound(header);
        var tag = header.Slice(RecordHeader.TagOffset, RecordHeader.TagBytes);
        if (_aes is null)
        {
            Hash(header, payload, tag);
        }
        else
        {
            Span<byte> nonce = stackalloc byte[NonceBytes];
            WriteNonce(nonce, record.Number);
            if (record.Kind == RecordKind.Data)
            {
                _aes.Encrypt(nonce, payload, payload, tag, Bound(header, []));
            }
            else
            {
                _aes.Encrypt(nonce, [], [], tag, Bound(header, payload));
            }
        }

        RecordHeader.Finish(header, payload);
    }

    /// <summary>False when header or payload are not what was sealed here; then <paramref name="payload"/> must not be used. Content is decrypted in place.</summary>
    public bool TryOpen(RecordHeader record, ReadOnlySpan<byte> header, Span<byte> payload)
    {
        var tag = header.Slice(RecordHeader.TagOffset, RecordHeader.TagBytes);
        if (_aes is null)
        {
            Span<byte> expected = stackalloc byte[RecordHeader.TagBytes];
            Hash(header, payload, expected);
            return expected.SequenceEqual(tag);
        }

        Span<byte> nonce = stackalloc byte[NonceBytes];
        WriteNonce(nonce, record.Number);
        try
        {
            if (record.Kind == RecordKind.Data)
            {
                _aes.Decrypt(nonce, payload, tag, payload, Bound(header, []));
            }
            else
            {
                _aes.Decrypt(nonce, [], tag, [], Bound(header, payload));
            }

            return true;
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _aes?.Dispose();
        _hash?.Dispose();
    }

    private void Hash(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, Span<byte> tag)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        _hash!.AppendData(_headerDigest);
        _hash.AppendData(header[..RecordHeader.TagOffset]);
        _hash.AppendData(payload);
        _hash.GetHashAndReset(digest);
        digest[..RecordHeader.TagBytes].CopyTo(tag);
    }

    private ReadOnlySpan<byte> Bound(ReadOnlySpan<byte> header, ReadOnlySpan<byte> plain)
    {
        var length = _headerDigest.Length + RecordHeader.TagOffset + plain.Length;
        if (_scratch.Length < length)
        {
            _scratch = new byte[length];
        }

        _headerDigest.CopyTo(_scratch, 0);
        header[..RecordHeader.TagOffset].CopyTo(_scratch.AsSpan(_headerDigest.Length));
        plain.CopyTo(_scratch.AsSpan(_headerDigest.Length + RecordHeader.TagOffset));
        return _scratch.AsSpan(0, length);
    }

    private static void WriteNonce(Span<byte> nonce, long number)
    {
        nonce.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(nonce[4..], number);
    }

    private static byte[] Info(ReadOnlySpan<byte> purpose, Guid set, ReadOnlySpan<byte> salt) => [.. purpose, .. set.ToByteArray(), .. salt];
}
