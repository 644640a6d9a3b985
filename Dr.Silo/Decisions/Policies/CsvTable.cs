using CsvHelper;

namespace Dr.Silo.Decisions.Policies;

/// <summary>A CSV file with a header, read as a whole. Whatever is wrong is said with file, line, column and what to do.</summary>
public sealed class CsvTable
{
    private CsvTable(string file, IReadOnlyList<CsvLine> lines) => (File, Lines) = (file, lines);

    /// <summary>Name for messages.</summary>
    public string File { get; }

    public IReadOnlyList<CsvLine> Lines { get; }

    /// <summary>Reads <paramref name="text"/>; columns may stand in any order, further ones are ignored.</summary>
    public static CsvTable Read(TextReader text, string file, params IReadOnlyList<string> columns)
    {
        ArgumentNullException.ThrowIfNull(columns);
        using var reader = CsvReader.Create(text, new CsvReaderOptions { HasHeader = false, TrimWhitespace = true, TrackLineNumbers = true }, leaveOpen: true);
        var help = $"The first line must name the columns: {string.Join(",", columns)}.";
        if (!Next(reader, file))
        {
            throw new DrException($"{file}: the file is empty.", help);
        }

        // A byte order mark belongs to the file, not to the first column's name.
        var header = Fields(reader).Select(name => name.TrimStart('\uFEFF')).ToArray();
        if (columns.Except(header, StringComparer.Ordinal).FirstOrDefault() is { } missing)
        {
            throw new DrException($"{file}, line 1: column '{missing}' is missing.", help);
        }

        if (header.Length != header.Distinct(StringComparer.Ordinal).Count())
        {
            throw new DrException($"{file}, line 1: a column is named twice.", help);
        }

        List<CsvLine> lines = [];
        while (Next(reader, file))
        {
            var fields = Fields(reader);
            if (fields.Length != header.Length)
            {
                throw new DrException($"{file}, line {reader.LineNumber}: {fields.Length} fields where the header names {header.Length}.", "Quote a field that contains a comma, and write empty fields as two commas.");
            }

            lines.Add(new CsvLine(file, (int)reader.LineNumber, header.Zip(fields).ToDictionary(x => x.First, x => x.Second, StringComparer.Ordinal)));
        }

        return new CsvTable(file, lines);
    }

    private static string[] Fields(CsvReader reader) => [.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.GetString(i))];

    private static bool Next(CsvReader reader, string file)
    {
        try
        {
            return reader.Read();
        }
        catch (CsvFormatException e)
        {
            throw new DrException($"{file}, line {e.LineNumber}: this is not CSV: {e.Message}", "Check the quotation marks: each that opens must close.", e);
        }
    }
}

/// <summary>One line of a <see cref="CsvTable"/>.</summary>
public sealed class CsvLine(string file, int number, IReadOnlyDictionary<string, string> fields)
{
    public int Number { get; } = number;

    public string this[string column] => fields[column];

    /// <summary>The field; null when the table has no such column or the field is empty.</summary>
    public string? Optional(string column) => fields.TryGetValue(column, out var value) && value.Length > 0 ? value : null;

    /// <summary>The field as <paramref name="parse"/> reads it; null when it is not there.</summary>
    public T? Optional<T>(string column, Func<string, string, T> parse)
        where T : class
    {
        if (Optional(column) is not { } text)
        {
            return null;
        }

        try
        {
            return parse(text, column);
        }
        catch (DrException e)
        {
            throw Bad(column, e.Message.TrimEnd('.'), e.Hint ?? "");
        }
    }

    /// <summary>The same for values.</summary>
    public T? OptionalValue<T>(string column, Func<string, string, T> parse)
        where T : struct => Optional(column, (text, where) => new Box<T>(parse(text, where)))?.Value;

    /// <summary>The field, which must not be empty.</summary>
    public string Required(string column) => this[column] is { Length: > 0 } value ? value : throw Bad(column, "must not be empty", "Fill it in, or delete the line.");

    public double Number0(string column, string hint) => this[column].Length == 0 ? 0 : Positive(column, hint);

    public double Positive(string column, string hint) =>
        double.TryParse(this[column], NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= 0 ? value : throw Bad(column, $"'{this[column]}' is not a number", hint);

    public int Count(string column, string hint) =>
        int.TryParse(this[column], NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : throw Bad(column, $"'{this[column]}' is not a whole number", hint);

    /// <summary><c>5m</c>, <c>1h</c>, <c>1d</c>; empty = null.</summary>
    public TimeSpan? Period(string column)
    {
        var text = this[column];
        if (text.Length == 0)
        {
            return null;
        }

        if (!int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count == 0)
        {
            throw Bad(column, $"'{text}' is not a period", "Write a number and a unit: 5m, 1h, 1d; or leave it empty.");
        }

        return text[^1] switch
        {
            's' => TimeSpan.FromSeconds(count),
            'm' => TimeSpan.FromMinutes(count),
            'h' => TimeSpan.FromHours(count),
            'd' => TimeSpan.FromDays(count),
            _ => throw Bad(column, $"'{text}' has no unit", "Write a number and a unit: 5m, 1h, 1d; or leave it empty."),
        };
    }

    private sealed record Box<T>(T Value);

    public DrException Bad(string column, string what, string hint) => new($"{file}, line {Number}, column {column}: {what}.", hint);
}
