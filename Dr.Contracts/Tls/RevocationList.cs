using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Dr.Contracts.Errors;

namespace Dr.Contracts.Tls;

/// <summary>
/// A certificate revocation list (RFC 5280, section 5), read and with a good signature of one of our CAs. Never changes. The framework makes such lists but does not tell what is in one, and its own chain check fetches them from the network,
/// which nothing here may depend on.
/// </summary>
public sealed class RevocationList
{
    private const string PemLabel = "X509 CRL";
    private const string NumberOid = "2.5.29.20";

    private readonly byte[] _issuer;
    private readonly HashSet<string> _serials;

    private RevocationList(byte[] issuer, BigInteger number, DateTimeOffset thisUpdate, DateTimeOffset? nextUpdate, HashSet<string> serials) =>
        (_issuer, Number, ThisUpdate, NextUpdate, _serials) = (issuer, number, thisUpdate, nextUpdate, serials);

    /// <summary>Grows with each list of a CA; 0 when the list has none.</summary>
    public BigInteger Number { get; }

    public DateTimeOffset ThisUpdate { get; }

    /// <summary>The CA promised a newer list until then. Brokers refuse everybody by an older one.</summary>
    public DateTimeOffset? NextUpdate { get; }

    public int Count => _serials.Count;

    /// <summary>The list in <paramref name="pem"/>.</summary>
    /// <exception cref="DrException">It is none, or none of <paramref name="authorities"/> signed it.</exception>
    public static RevocationList Read(string pem, X509Certificate2Collection authorities)
    {
        ArgumentNullException.ThrowIfNull(authorities);
        try
        {
            return PemEncoding.TryFind(pem, out var fields) && pem.AsSpan()[fields.Label] is PemLabel
                ? Decode(Convert.FromBase64String(pem[fields.Base64Data]), authorities)
                : throw new DrException("There is no revocation list in it.", $"It must be PEM, with BEGIN {PemLabel}.");
        }
        catch (Exception exception) when (exception is AsnContentException or CryptographicException or FormatException)
        {
            throw new DrException($"The revocation list cannot be read: {exception.Message}", "It is damaged; fetch it again.", exception);
        }
    }

    /// <summary>Whether the list withdraws this certificate. Says nothing about those of another CA.</summary>
    public bool Revokes(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return certificate.IssuerName.RawData.AsSpan().SequenceEqual(_issuer) && _serials.Contains(SerialOf(certificate));
    }

    /// <summary>The serial number as it is written everywhere here: hexadecimal, capitals, no leading zero bytes.</summary>
    public static string SerialOf(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return Text(certificate.SerialNumberBytes.Span);
    }

    private static string Text(ReadOnlySpan<byte> serial) => Convert.ToHexString(serial.TrimStart((byte)0));

    private static RevocationList Decode(byte[] der, X509Certificate2Collection authorities)
    {
        var whole = new AsnReader(der, AsnEncodingRules.DER).ReadSequence();
        var signed = whole.PeekEncodedValue();
        var body = whole.ReadSequence();
        var algorithm = whole.ReadSequence().ReadObjectIdentifier();
        var signature = whole.ReadBitString(out var unused);
        whole.ThrowIfNotEmpty();
        if (unused != 0)
        {
            throw new DrException("The revocation list cannot be read: its signature is no whole number of bytes.", "It is damaged; fetch it again.");
        }


        if (body.PeekTag().HasSameClassAndValue(Asn1Tag.Integer))
        {
            body.ReadInteger();
        }

        body.ReadSequence();
        var issuer = body.ReadEncodedValue().ToArray();
        if (!authorities.Any(a => a.SubjectName.RawData.AsSpan().SequenceEqual(issuer) && IsSignedBy(a, algorithm, signed.Span, signature)))
        {
            throw new DrException("The revocation list is not of a CA that is trusted here.", "It must come from the CA that issues the certificates.");
        }

        var thisUpdate = ReadTime(body);
        DateTimeOffset? nextUpdate = body.HasData && IsTime(body.PeekTag()) ? ReadTime(body) : null;
        var serials = new HashSet<string>(StringComparer.Ordinal);
        if (body.HasData && body.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence))
        {
            for (var entries = body.ReadSequence(); entries.HasData;)
            {
                serials.Add(Text(entries.ReadSequence().ReadIntegerBytes().Span));
            }
        }

        return new RevocationList(issuer, body.HasData ? ReadNumber(body) : BigInteger.Zero, thisUpdate, nextUpdate, serials);
    }

    private static BigInteger ReadNumber(AsnReader body)
    {
        for (var extensions = body.ReadSequence(new Asn1Tag(TagClass.ContextSpecific, 0)).ReadSequence(); extensions.HasData;)
        {
            var extension = extensions.ReadSequence();
            if (extension.ReadObjectIdentifier() == NumberOid)
            {
                if (extension.PeekTag().HasSameClassAndValue(Asn1Tag.Boolean))
                {
                    extension.ReadBoolean();
                }

                return new AsnReader(extension.ReadOctetString(), AsnEncodingRules.DER).ReadInteger();
            }
        }

        return BigInteger.Zero;
    }

    private static bool IsTime(Asn1Tag tag) => tag.HasSameClassAndValue(Asn1Tag.UtcTime) || tag.HasSameClassAndValue(Asn1Tag.GeneralizedTime);

    private static DateTimeOffset ReadTime(AsnReader reader) => reader.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) ? reader.ReadUtcTime() : reader.ReadGeneralizedTime();

    private static bool IsSignedBy(X509Certificate2 authority, string algorithm, ReadOnlySpan<byte> signed, byte[] signature)
    {
        HashAlgorithmName? hash = algorithm switch
        {
            "1.2.840.10045.4.3.2" or "1.2.840.113549.1.1.11" => HashAlgorithmName.SHA256,
            "1.2.840.10045.4.3.3" or "1.2.840.113549.1.1.12" => HashAlgorithmName.SHA384,
            "1.2.840.10045.4.3.4" or "1.2.840.113549.1.1.13" => HashAlgorithmName.SHA512,
            _ => null,
        };
        using var curve = authority.GetECDsaPublicKey();
        using var rsa = authority.GetRSAPublicKey();
        return hash is { } name
            && ((curve?.VerifyData(signed, signature, name, DSASignatureFormat.Rfc3279DerSequence) ?? false) || (rsa?.VerifyData(signed, signature, name, RSASignaturePadding.Pkcs1) ?? false));
    }
}
