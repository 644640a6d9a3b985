using System.Text;

namespace Dr.Edge.Kiosk.Sip2;

/// <summary>
/// A message of the Standard Interchange Protocol 2.00 (3M, 2006): two digits of command, fixed fields of known lengths, then fields of two letters and a value that end with <c>|</c>; and, when error detection is on, a sequence
/// number (<c>AY</c>) and a checksum (<c>AZ</c>). Pure.
/// </summary>
internal sealed record Sip2Message(string Command, string Fixed, IReadOnlyList<(string Name, string Value)> Fields, char? Sequence)
{
    public const string Checkin = "09";
    public const string CheckinAnswer = "10";
    public const string Checkout = "11";
    public const string CheckoutAnswer = "12";
    public const string Renew = "29";
    public const string RenewAnswer = "30";
    public const string Status = "99";
    public const string StatusAnswer = "98";
    public const string Login = "93";
    public const string LoginAnswer = "94";
    public const string ResendPlease = "96";
    public const string Resend = "97";

    /// <summary>As the field's length is written in the standard.</summary>
    public const int DateLength = 18;

    private static readonly Dictionary<string, int> FixedLengths = new(StringComparer.Ordinal)
    {
        ["09"] = 37, ["10"] = 22, ["11"] = 38, ["12"] = 22, ["15"] = 19, ["16"] = 20, ["17"] = 18, ["18"] = 24, ["19"] = 18, ["20"] = 19, ["23"] = 21, ["24"] = 35, ["25"] = 18, ["26"] = 35, ["29"] = 38, ["30"] = 22, ["35"] = 18,
        ["36"] = 19, ["37"] = 25, ["38"] = 19, ["63"] = 31, ["64"] = 59, ["65"] = 18, ["66"] = 27, ["01"] = 19, ["93"] = 2, ["94"] = 1, ["96"] = 0, ["97"] = 0, ["98"] = 34, ["99"] = 8,
    };

    public string? this[string name] => Fields.Where(f => f.Name == name).Select(f => f.Value).FirstOrDefault();

    /// <summary>Null when the text is no message of the protocol, or its checksum is wrong.</summary>
    public static Sip2Message? Parse(string text)
    {
        text = text.Trim('\r', '\n');
        if (text.Length < 2 || !FixedLengths.TryGetValue(text[..2], out var length) || text.Length < 2 + length)
        {
            return null;
        }

        char? sequence = null;
        if (text.Length >= 9 && text[^9..^7] == "AY" && text[^6..^4] == "AZ")
        {
            if (!text[^4..].Equals(ChecksumOf(text[..^4]), StringComparison.OrdinalIgnoreCase))
            {
                return null;
            }

            sequence = text[^7];
            text = text[..^9];
        }

        var fields = text[(2 + length)..].Split('|', StringSplitOptions.RemoveEmptyEntries).Where(f => f.Length >= 2).Select(f => (f[..2], f[2..]));
        return new Sip2Message(text[..2], text[2..(2 + length)], [.. fields], sequence);
    }

    /// <summary>Without the carriage return that ends it on the line.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Command).Append(Fixed);
        foreach (var (name, value) in Fields)
        {
            text.Append(name).Append(value).Append('|');
        }

        if (Sequence is { } sequence)
        {
            text.Append("AY").Append(sequence).Append("AZ");
            text.Append(ChecksumOf(text.ToString()));
        }

        return text.ToString();
    }

    public Sip2Message With(string name, string value) => this with { Fields = [.. Fields.Where(f => f.Name != name), (name, value)] };

    /// <summary>The answer to it with the same sequence number, as the standard has it.</summary>
    public Sip2Message Answer(string command, string fixedFields, params (string Name, string Value)[] fields) => new(command, fixedFields, fields, Sequence);

    public static string DateOf(DateTime at) => at.ToString("yyyyMMdd'    'HHmmss", CultureInfo.InvariantCulture);

    /// <summary>The negated sum of all characters up to and with "AZ", 16 bits, in hexadecimal.</summary>
    private static string ChecksumOf(string text) => (-text.Sum(c => (int)(byte)c) & 0xFFFF).ToString("X4", CultureInfo.InvariantCulture);
}
