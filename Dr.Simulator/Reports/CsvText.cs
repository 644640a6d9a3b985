using System.Text;

namespace Dr.Simulator.Reports;

/// <summary>Comma-separated values as RFC 4180 has them, with a header and plain line feeds; numbers with a point, nothing for what is not known.</summary>
internal sealed class CsvText
{
    private readonly StringBuilder _text = new();
    private readonly int _columns;

    public CsvText(params string[] columns)
    {
        _columns = columns.Length;
        Line([.. columns]);
    }

    public void Line(params object?[] fields)
    {
        Invariant.Require(fields.Length == _columns, "a line of the table has another number of fields than its header.");
        _text.AppendJoin(',', fields.Select(Field)).Append('\n');
    }

    public override string ToString() => _text.ToString();

    private static string Field(object? value) => value switch
    {
        null => "",
        double number => number.ToString("0.######", CultureInfo.InvariantCulture),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => Quoted(value.ToString() ?? ""),
    };

    private static string Quoted(string text) => text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
