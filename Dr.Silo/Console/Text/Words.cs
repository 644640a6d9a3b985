using System.Text;

namespace Dr.Silo.WebConsole.Text;

/// <summary>Numbers and names as people read them. Pure. <c>console.js</c> has the same rules for ages, so that a page that counts on says the same.</summary>
public static class Words
{
    /// <summary>Two units at most: <c>0.4 s</c>, <c>12 s</c>, <c>3 min 20 s</c>, <c>2 h 5 min</c>, <c>3 d 4 h</c>.</summary>
    public static string Duration(double seconds)
    {
        if (double.IsNaN(seconds) || double.IsInfinity(seconds))
        {
            return "an unknown time";
        }

        seconds = Math.Max(0, seconds);
        if (seconds < 0.05)
        {
            return seconds == 0 ? "0 s" : "< 0.1 s";
        }

        if (seconds < 9.95)
        {
            return $"{seconds.ToString("0.0", CultureInfo.InvariantCulture)} s";
        }

        return Whole((long)Math.Round(seconds));
    }

    public static string Duration(TimeSpan duration) => Duration(duration.TotalSeconds);

    /// <summary><c>12 s ago</c>, <c>in 28 min</c>, <c>now</c> within a second.</summary>
    public static string Age(DateTimeOffset at, DateTimeOffset now)
    {
        var seconds = (long)Math.Floor((now - at).TotalSeconds);
        return seconds switch
        {
            >= 1 => $"{Whole(seconds)} ago",
            < -1 => $"in {Whole(-seconds)}",
            _ => "now",
        };
    }

    /// <summary>Whole seconds from <paramref name="since"/> on: <c>12 s</c>, <c>1 h 32 min</c>.</summary>
    public static string Whole(DateTimeOffset since, DateTimeOffset now) => Whole(Math.Max(0, (long)Math.Floor((now - since).TotalSeconds)));

    /// <summary><c>1.5 GiB</c>.</summary>
    public static string Size(long bytes)
    {
        ReadOnlySpan<string> units = ["B", "KiB", "MiB", "GiB", "TiB"];
        double value = Math.Max(0, bytes);
        var unit = 0;
        while (value >= 1024 && unit < units.Length - 1)
        {
            (value, unit) = (value / 1024, unit + 1);
        }

        return unit == 0 || value >= 100 ? $"{value.ToString("0", CultureInfo.InvariantCulture)} {units[unit]}" : $"{value.ToString("0.#", CultureInfo.InvariantCulture)} {units[unit]}";
    }

    /// <summary><c>CatchingUp</c> → <c>catching up</c>, <c>predictedLossSeconds</c> → <c>predicted loss seconds</c>; what already has spaces stays.</summary>
    public static string Plain(string name)
    {
        if (string.IsNullOrEmpty(name) || name.Contains(' ', StringComparison.Ordinal))
        {
            return name ?? "";
        }

        var text = new StringBuilder(name.Length + 8);
        for (var i = 0; i < name.Length; i++)
        {
            if (i > 0 && char.IsUpper(name[i]) && !char.IsUpper(name[i - 1]))
            {
                text.Append(' ');
            }

            text.Append(char.ToLowerInvariant(name[i]));
        }

        return text.ToString();
    }

    /// <summary>As <see cref="Plain(string)"/>, for an enum's value.</summary>
    public static string Plain<T>(T value)
        where T : struct, Enum => Plain(value.ToString());

    /// <summary>First letter in upper case.</summary>
    public static string Sentence(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    /// <summary>A sentence that ends with one full stop.</summary>
    public static string Stop(string text) => text.TrimEnd('.', ' ') + ".";

    /// <summary><c>a</c>, <c>a and b</c>, <c>a, b and c</c>.</summary>
    public static string List(IReadOnlyList<string> items) => items.Count switch
    {
        0 => "",
        1 => items[0],
        _ => $"{string.Join(", ", items.Take(items.Count - 1))} and {items[^1]}",
    };

    private static string Whole(long seconds) => seconds switch
    {
        < 60 => $"{seconds} s",
        < 3600 => Pair(seconds / 60, "min", seconds < 600 ? seconds % 60 : 0, "s"),
        < 86_400 => Pair(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => Pair(seconds / 86_400, "d", seconds % 86_400 / 3600, "h"),
    };

    private static string Pair(long large, string largeUnit, long small, string smallUnit) =>
        small == 0 ? $"{large} {largeUnit}" : $"{large} {largeUnit} {small} {smallUnit}";
}
