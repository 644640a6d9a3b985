using Dr.Contracts.Errors;

namespace Dr.Contracts.Cli;

/// <summary>Sizes and durations as people write them: <c>512MiB</c>, <c>5m</c>.</summary>
public static class Quantities
{
    private static readonly (string Suffix, long Bytes)[] SizeUnits =
        [("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("B", 1)];

    private static readonly (string Suffix, TimeSpan Unit)[] DurationUnits =
        [("ms", TimeSpan.FromMilliseconds(1)), ("s", TimeSpan.FromSeconds(1)), ("m", TimeSpan.FromMinutes(1)), ("h", TimeSpan.FromHours(1)), ("d", TimeSpan.FromDays(1))];

    /// <summary>Bytes of <c>512MiB</c>, <c>1.5GiB</c>, <c>4096</c>.</summary>
    /// <exception cref="DrException">Not a size, or more than 8 EiB.</exception>
    public static long ParseSize(string text, string where)
    {
        var (number, unit) = Split(text, SizeUnits);
        if (number is null || number < 0 || number * unit > long.MaxValue)
        {
            throw new DrException($"{where}: '{text}' is not a size.", "Write a number with a unit: 512MiB, 10GiB, 1TiB.");
        }

        return (long)(number.Value * unit);
    }

    /// <summary>Bytes for people: <c>1.5 GiB</c>.</summary>
    public static string FormatSize(long bytes)
    {
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var power = 0;
        var value = (double)bytes;
        while (value >= 1024 && power < units.Length - 1)
        {
            value /= 1024;
            power++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{(power == 0 ? value : Math.Round(value, 1)):0.#} {units[power]}");
    }

    /// <summary>A span of <c>500ms</c>, <c>10s</c>, <c>5m</c>, <c>2h</c>, <c>1d</c>; never negative.</summary>
    /// <exception cref="DrException">Not a duration, or more than 10 000 days.</exception>
    public static TimeSpan ParseDuration(string text, string where)
    {
        var units = DurationUnits.Select(u => (u.Suffix, u.Unit.Ticks)).ToArray();
        var (number, unit) = Split(text, units);
        if (number is null || number < 0 || number * unit > TimeSpan.FromDays(10_000).Ticks || !text.Any(char.IsLetter))
        {
            throw new DrException($"{where}: '{text}' is not a duration.", "Write a number with a unit: 500ms, 10s, 5m, 2h, 1d.");
        }

        return TimeSpan.FromTicks((long)(number.Value * unit));
    }

    private static (decimal? Number, long Unit) Split(string text, (string Suffix, long Factor)[] units)
    {
        var trimmed = text.Trim();
        var (digits, factor) = (trimmed, 1L);
        foreach (var (suffix, value) in units)
        {
            if (trimmed.EndsWith(suffix, StringComparison.OrdinalIgnoreCase))
            {
                (digits, factor) = (trimmed[..^suffix.Length].TrimEnd(), value);
                break;
            }
        }

        return decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? (number, factor) : (null, factor);
    }
}
