using System.Text.RegularExpressions;

namespace Dr.Edge.Cli;

/// <summary>Sizes as people write them: <c>512MiB</c>, <c>10GiB</c>, <c>1TiB</c>, or plain bytes.</summary>
internal static partial class SizeText
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    public static long Parse(string text)
    {
        var match = Pattern().Match(text);
        if (match.Success && decimal.TryParse(match.Groups["value"].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
        {
            var unit = match.Groups["unit"].Value;
            var power = unit.Length == 0 ? 0 : Array.FindIndex(Units, u => u.Equals(unit, StringComparison.OrdinalIgnoreCase));
            var bytes = value * (1L << (10 * Math.Max(power, 0)));
            if (power >= 0 && bytes == decimal.Truncate(bytes) && bytes is > 0 and < long.MaxValue)
            {
                return (long)bytes;
            }
        }

        throw new UsageException($"'{text}' is no size.", "Write it like 512MiB, 10GiB or 1TiB.");
    }

    public static string Format(long bytes)
    {
        var power = 0;
        var value = (double)bytes;
        while (value >= 1024 && power < Units.Length - 1)
        {
            value /= 1024;
            power++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{(power == 0 ? value : Math.Round(value, 1)):0.#} {Units[power]}");
    }

    [GeneratedRegex("^(?<value>[0-9]+(\\.[0-9]+)?)(?<unit>[A-Za-z]*)$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();
}
