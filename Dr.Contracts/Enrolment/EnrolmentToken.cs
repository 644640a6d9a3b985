namespace Dr.Contracts.Enrolment;

/// <summary>
/// What a device is handed to enrol with: <c>SECRET.FINGERPRINT</c>. The secret proves once that it may have the certificate that the token was made for; the fingerprint (SHA-256 of the CA's certificate) tells the device which
/// control plane is the right one before it says the secret to anybody.
/// </summary>
/// <param name="Secret">As the control plane knows it; opaque here.</param>
/// <param name="Fingerprint">64 hexadecimal digits, small.</param>
public readonly record struct EnrolmentToken(string Secret, string Fingerprint)
{
    private const int FingerprintLength = 64;
    private const int LengthMax = 256;

    public static bool TryParse(string? text, out EnrolmentToken token)
    {
        token = default;
        if (text is null || text.Length > LengthMax || text.LastIndexOf('.') is not (> 0 and var dot) || text.Length - dot - 1 != FingerprintLength || !text.AsSpan(dot + 1).ContainsOnlyHex())
        {
            return false;
        }

        token = new EnrolmentToken(text[..dot], text[(dot + 1)..].ToLowerInvariant());
        return true;
    }

    public override string ToString() => $"{Secret}.{Fingerprint}";
}

file static class HexText
{
    public static bool ContainsOnlyHex(this ReadOnlySpan<char> text)
    {
        foreach (var letter in text)
        {
            if (!char.IsAsciiHexDigit(letter))
            {
                return false;
            }
        }

        return true;
    }
}
