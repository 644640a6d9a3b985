namespace Dr.Simulator.Years;

/// <summary>A part of a year's faults in writing: <c>3,17=20s,21</c> are the faults 3, 17 (lasting 20 s instead) and 21. <c>none</c> is a year without any.</summary>
internal static class YearSelection
{
    private const string None = "none";

    public static string Write(IReadOnlyList<YearFault> faults) => faults.Count == 0 ? None : string.Join(',', faults.Select(f => $"{f.Number}={f.Lasts.TotalSeconds.ToString("0.###", CultureInfo.InvariantCulture)}s"));

    /// <exception cref="Contracts.Cli.UsageException">It cannot be read, or names a fault that the year does not have.</exception>
    public static IReadOnlyList<YearFault> Read(string text, IReadOnlyList<YearFault> year)
    {
        if (text.Trim() == None)
        {
            return [];
        }

        return [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(part => Of(part, year)).OrderBy(f => f.At)];
    }

    private static YearFault Of(string part, IReadOnlyList<YearFault> year)
    {
        var pieces = part.Split('=');
        if (pieces.Length > 2 || !int.TryParse(pieces[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number >= year.Count)
        {
            throw new Contracts.Cli.UsageException($"'{part}' is no fault of this year, which has the faults 0 to {year.Count - 1}.", "Write their numbers as a failing year prints them, for example 3,17=20s.");
        }

        var fault = year[number];
        if (pieces.Length == 1)
        {
            return fault;
        }

        return pieces[1].EndsWith('s') && double.TryParse(pieces[1][..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds > 0
            ? fault with { Lasts = TimeSpan.FromSeconds(seconds) }
            : throw new Contracts.Cli.UsageException($"'{pieces[1]}' is no duration.", "Write seconds, for example 17=20s.");
    }
}
