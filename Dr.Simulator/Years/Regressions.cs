namespace Dr.Simulator.Years;

/// <summary>
/// Years that broke a rule once. One a line: seed, faults (<see cref="YearSelection"/>), and the rule, parted by tabs; lines that begin with # are remarks. The seed stands for the faults, so the list is
/// made anew when the drawing of years changes.
/// </summary>
internal static class Regressions
{
    private const string BuiltIn = "years-regressions.txt";

    public static IReadOnlyList<(ulong Seed, string Faults, string Rule)> Load(string? file)
    {
        var text = file is null ? Embedded() : Read(file);
        List<(ulong, string, string)> years = [];
        foreach (var (line, number) in text.Split('\n').Select((l, n) => (l.Trim(), n + 1)))
        {
            if (line.Length == 0 || line.StartsWith('#'))
            {
                continue;
            }

            var parts = line.Split('\t');
            years.Add(parts.Length == 3 && ulong.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var seed)
                ? (seed, parts[1], parts[2])
                : throw new DrException($"{file ?? BuiltIn}, line {number}: this is no year.", "Write seed, faults and rule, parted by tabs."));
        }

        return years;
    }

    /// <summary>Adds what is not in the list yet.</summary>
    public static void Join(string file, IReadOnlyList<BrokenYear> broken)
    {
        var known = File.Exists(file) ? Load(file).Select(y => (y.Seed, y.Faults)).ToHashSet() : [];
        var news = broken.Where(b => !known.Contains((b.Seed, YearSelection.Write(b.Faults)))).ToArray();
        if (news.Length > 0)
        {
            File.AppendAllLines(file, news.Select(b => $"{b.Seed.ToString(CultureInfo.InvariantCulture)}\t{YearSelection.Write(b.Faults)}\t{b.Violation.Rule}"));
        }
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DrException($"{file}: the list of years cannot be read: {e.Message}", "Choose a file that exists and can be read.", e);
        }
    }

    private static string Embedded()
    {
        using var stream = typeof(Regressions).Assembly.GetManifestResourceStream(BuiltIn) ?? throw new InvariantException($"{BuiltIn} is not in the program.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
